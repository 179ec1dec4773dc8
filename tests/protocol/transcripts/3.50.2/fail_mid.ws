{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.0428619384765625,"avg_event_concurrent_process_time":0.010715484619140625,"rank_eta":0.0428619384765625,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":["part 0"],"is_generating":true,"duration":0.0005245208740234375,"average_duration":0.0005245208740234375},"success":true}
{"msg":"process_generating","output":{"data":["part 1"],"is_generating":true,"duration":0.00010848045349121094,"average_duration":0.0003165006637573242},"success":true}
{"msg":"process_completed","output":{"error":"'half-way'"},"success":false}
{"closed": 1000}
