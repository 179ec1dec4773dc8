{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.04958707094192505,"avg_event_concurrent_process_time":0.004132255911827087,"rank_eta":0.04958707094192505,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":[[1,2,3,4]],"is_generating":true,"duration":0.00031948089599609375,"average_duration":0.00015211105346679688},"success":true}
{"msg":"process_generating","output":{"data":[[1]],"is_generating":true,"duration":0.0001647472381591797,"average_duration":0.00015391622270856584},"success":true}
{"msg":"process_generating","output":{"data":[[1,2,3]],"is_generating":true,"duration":0.00012826919555664062,"average_duration":0.0001507103443145752},"success":true}
{"msg":"process_generating","output":{"data":[[0,2]],"is_generating":true,"duration":0.00010633468627929688,"average_duration":0.00014577971564398872},"success":true}
{"msg":"process_generating","output":{"data":[[]],"is_generating":true,"duration":0.0001437664031982422,"average_duration":0.00014557838439941407},"success":true}
{"msg":"process_completed","output":{"data":[[]],"is_generating":true,"duration":0.0001437664031982422,"average_duration":0.00014557838439941407},"success":true}
{"closed": 1000}
