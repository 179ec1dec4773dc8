{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.05248779058456421,"avg_event_concurrent_process_time":0.013121947646141052,"rank_eta":0.05248779058456421,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":["part 0"],"is_generating":true,"duration":0.0002875328063964844,"average_duration":0.0002875328063964844},"success":true}
{"msg":"process_generating","output":{"data":["part 1"],"is_generating":true,"duration":9.989738464355469e-05,"average_duration":0.00019371509552001953},"success":true}
{"msg":"process_completed","output":{"error":"'half-way'"},"success":false}
{"closed": 1000}
