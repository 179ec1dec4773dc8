{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.05808448791503906,"avg_event_concurrent_process_time":0.005808448791503907,"rank_eta":0.05808448791503906,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_completed","output":{"data":[{"visible":true,"value":"new","__type__":"update"}],"is_generating":false,"duration":0.00013899803161621094,"average_duration":0.00013899803161621094},"success":true}
{"closed": 1000}
