{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.0029942989349365234,"avg_event_concurrent_process_time":0.0029942989349365234,"rank_eta":0.0029942989349365234,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_completed","output":{"data":["one of 1"],"is_generating":null,"duration":0.00029754638671875,"average_duration":0.00029754638671875},"success":true}
{"closed": 1000}
