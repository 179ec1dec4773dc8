{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.07181695103645325,"avg_event_concurrent_process_time":0.008977118879556656,"rank_eta":0.07181695103645325,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_completed","output":{"data":[1,null],"is_generating":false,"duration":0.00012040138244628906,"average_duration":0.00012040138244628906},"success":true}
{"closed": 1000}
