{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.060041768210274835,"avg_event_concurrent_process_time":0.008577395458610691,"rank_eta":0.060041768210274835,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"progress","progress_data":[{"index":1,"length":3,"unit":"steps","progress":null,"desc":"step 1"}]}
{"msg":"process_completed","output":{"data":["3 steps"],"is_generating":false,"duration":0.15081310272216797,"average_duration":0.15081310272216797},"success":true}
{"closed": 1000}
