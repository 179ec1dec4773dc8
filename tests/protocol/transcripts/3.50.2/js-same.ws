{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.03215638329001034,"avg_event_concurrent_process_time":0.0018915519582359023,"rank_eta":0.03215638329001034,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":[{"a":[1]}],"is_generating":true,"duration":0.00035953521728515625,"average_duration":0.00017765948646946957},"success":true}
{"msg":"process_generating","output":{"data":[{"a":[1]}],"is_generating":true,"duration":0.00011348724365234375,"average_duration":0.00017601404434595353},"success":true}
{"msg":"process_generating","output":{"data":[{"a":[1]}],"is_generating":true,"duration":0.00013256072998046875,"average_duration":0.00017492771148681642},"success":true}
{"msg":"process_completed","output":{"data":[{"a":[1]}],"is_generating":true,"duration":0.00013256072998046875,"average_duration":0.00017492771148681642},"success":true}
{"closed": 1000}
