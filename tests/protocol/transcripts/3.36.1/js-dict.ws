{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.04672780403724083,"avg_event_concurrent_process_time":0.003594446464403141,"rank_eta":0.04672780403724083,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":[{"a":[1,2,3,4]}],"is_generating":true,"duration":0.00036525726318359375,"average_duration":0.0001633763313293457},"success":true}
{"msg":"process_generating","output":{"data":[{"a":[1]}],"is_generating":true,"duration":0.00012421607971191406,"average_duration":0.00016036400428185097},"success":true}
{"msg":"process_generating","output":{"data":[{"a":[1],"b":{"c":"x"}}],"is_generating":true,"duration":0.00011444091796875,"average_duration":0.00015708378383091519},"success":true}
{"msg":"process_generating","output":{"data":[{"b":{}}],"is_generating":true,"duration":0.00012946128845214844,"average_duration":0.0001552422841389974},"success":true}
{"msg":"process_generating","output":{"data":[{}],"is_generating":true,"duration":0.00010728836059570312,"average_duration":0.0001522451639175415},"success":true}
{"msg":"process_completed","output":{"data":[{}],"is_generating":true,"duration":0.00010728836059570312,"average_duration":0.0001522451639175415},"success":true}
{"closed": 1000}
