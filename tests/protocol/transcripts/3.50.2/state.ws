{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.06601592898368835,"avg_event_concurrent_process_time":0.008251991122961044,"rank_eta":0.06601592898368835,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_completed","output":{"data":[1,null],"is_generating":false,"duration":0.0003712177276611328,"average_duration":0.0003712177276611328},"success":true}
{"closed": 1000}
