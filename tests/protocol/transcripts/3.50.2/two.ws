{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.05877041816711426,"avg_event_concurrent_process_time":0.006530046463012695,"rank_eta":0.05877041816711426,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_completed","output":{"data":["abc",3],"is_generating":false,"duration":0.0002856254577636719,"average_duration":0.0002856254577636719},"success":true}
{"closed": 1000}
