{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.06242811679840088,"avg_event_concurrent_process_time":0.010404686133066813,"rank_eta":0.06242811679840088,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_completed","output":{"data":[],"is_generating":false,"duration":0.0015478134155273438,"average_duration":0.0015478134155273438},"success":true}
{"closed": 1000}
