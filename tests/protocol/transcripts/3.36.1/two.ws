{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.06416893005371094,"avg_event_concurrent_process_time":0.0071298811170789934,"rank_eta":0.06416893005371094,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_completed","output":{"data":["abc",3],"is_generating":false,"duration":0.0001380443572998047,"average_duration":0.0001380443572998047},"success":true}
{"closed": 1000}
