{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.0529782772064209,"avg_event_concurrent_process_time":0.00529782772064209,"rank_eta":0.0529782772064209,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_completed","output":{"data":[{"__type__":"update","visible":true,"value":"new"}],"is_generating":false,"duration":0.00028133392333984375,"average_duration":0.00028133392333984375},"success":true}
{"closed": 1000}
