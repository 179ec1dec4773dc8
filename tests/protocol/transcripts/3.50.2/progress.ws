{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.0538069520677839,"avg_event_concurrent_process_time":0.007686707438254843,"rank_eta":0.0538069520677839,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"progress","progress_data":[{"index":0,"length":3,"unit":"steps","progress":null,"desc":"step 0"}]}
{"msg":"progress","progress_data":[{"index":2,"length":3,"unit":"steps","progress":null,"desc":"step 2"}]}
{"msg":"process_completed","output":{"data":["3 steps"],"is_generating":false,"duration":0.15101909637451172,"average_duration":0.15101909637451172},"success":true}
{"closed": 1000}
