{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.007731914520263672,"avg_event_concurrent_process_time":0.007731914520263672,"rank_eta":0.007731914520263672,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_completed","output":{"data":["one of 1"],"is_generating":null,"duration":0.00012993812561035156,"average_duration":0.00012993812561035156},"success":true}
{"closed": 1000}
