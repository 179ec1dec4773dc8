{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.048259821805087005,"avg_event_concurrent_process_time":0.004387256527735182,"rank_eta":0.048259821805087005,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":[[[1,2],[3,4]]],"is_generating":true,"duration":0.00036334991455078125,"average_duration":0.00036334991455078125},"success":true}
{"msg":"process_generating","output":{"data":[[[1],[3]]],"is_generating":true,"duration":0.00017499923706054688,"average_duration":0.00026917457580566406},"success":true}
{"msg":"process_generating","output":{"data":[[]],"is_generating":true,"duration":0.00013399124145507812,"average_duration":0.00022411346435546875},"success":true}
{"msg":"process_generating","output":{"data":[[[5],[6,7]]],"is_generating":true,"duration":0.00013184547424316406,"average_duration":0.00020104646682739258},"success":true}
{"msg":"process_completed","output":{"data":[[[5],[6,7]]],"is_generating":true,"duration":0.00013184547424316406,"average_duration":0.00020104646682739258},"success":true}
{"closed": 1000}
