{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.06952643394470215,"avg_event_concurrent_process_time":0.011587738990783691,"rank_eta":0.06952643394470215,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_completed","output":{"data":[],"is_generating":false,"duration":0.00012254714965820312,"average_duration":0.00012254714965820312},"success":true}
{"closed": 1000}
