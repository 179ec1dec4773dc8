{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.05310169133273038,"avg_event_concurrent_process_time":0.004827426484793671,"rank_eta":0.05310169133273038,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":[[[1,2],[3,4]]],"is_generating":true,"duration":0.00019121170043945312,"average_duration":0.00019121170043945312},"success":true}
{"msg":"process_generating","output":{"data":[[[1],[3]]],"is_generating":true,"duration":0.00010061264038085938,"average_duration":0.00014591217041015625},"success":true}
{"msg":"process_generating","output":{"data":[[]],"is_generating":true,"duration":9.632110595703125e-05,"average_duration":0.0001293818155924479},"success":true}
{"msg":"process_generating","output":{"data":[[[5],[6,7]]],"is_generating":true,"duration":0.00010275840759277344,"average_duration":0.0001227259635925293},"success":true}
{"msg":"process_completed","output":{"data":[[[5],[6,7]]],"is_generating":true,"duration":0.00010275840759277344,"average_duration":0.0001227259635925293},"success":true}
{"closed": 1000}
