{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.03735016451941596,"avg_event_concurrent_process_time":0.0020750091399675532,"rank_eta":0.03735016451941596,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":["tick 0"],"is_generating":true,"duration":0.0004813671112060547,"average_duration":0.0004813671112060547},"success":true}
{"closed": null}
