{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.0,"avg_event_concurrent_process_time":null,"rank_eta":null,"queue_eta":1.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_completed","output":{"data":[3.0],"is_generating":false,"duration":0.00033402442932128906,"average_duration":0.00033402442932128906},"success":true}
{"closed": 1000}
