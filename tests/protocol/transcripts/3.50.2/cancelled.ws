{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.030466794967651367,"avg_event_concurrent_process_time":0.0016925997204250759,"rank_eta":0.030466794967651367,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":["tick 0"],"is_generating":true,"duration":0.0008244514465332031,"average_duration":0.0008244514465332031},"success":true}
{"closed": null}
