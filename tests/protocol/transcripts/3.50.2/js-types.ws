{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.03396181762218475,"avg_event_concurrent_process_time":0.002122613601386547,"rank_eta":0.03396181762218475,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":[[]],"is_generating":true,"duration":0.0003631114959716797,"average_duration":0.00019052110869308998},"success":true}
{"msg":"process_generating","output":{"data":[{}],"is_generating":true,"duration":0.00011587142944335938,"average_duration":0.00018803278605143228},"success":true}
{"msg":"process_generating","output":{"data":["text"],"is_generating":true,"duration":0.00010395050048828125,"average_duration":0.00018532045425907257},"success":true}
{"msg":"process_generating","output":{"data":[1.5],"is_generating":true,"duration":8.654594421386719e-05,"average_duration":0.0001822337508201599},"success":true}
{"msg":"process_generating","output":{"data":[null],"is_generating":true,"duration":9.584426879882812e-05,"average_duration":0.0001796158877286044},"success":true}
{"msg":"process_generating","output":{"data":[[null]],"is_generating":true,"duration":0.0001277923583984375,"average_duration":0.00017809166627771715},"success":true}
{"msg":"process_generating","output":{"data":[{"":null}],"is_generating":true,"duration":9.632110595703125e-05,"average_duration":0.00017575536455426897},"success":true}
{"msg":"process_generating","output":{"data":[false],"is_generating":true,"duration":9.5367431640625e-05,"average_duration":0.00017352236641777886},"success":true}
{"msg":"process_completed","output":{"data":[false],"is_generating":true,"duration":9.5367431640625e-05,"average_duration":0.00017352236641777886},"success":true}
{"closed": 1000}
