{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.0412297615638146,"avg_event_concurrent_process_time":0.003171520120293431,"rank_eta":0.0412297615638146,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":[{"a":[1,2,3,4]}],"is_generating":true,"duration":0.0003552436828613281,"average_duration":0.0002192854881286621},"success":true}
{"msg":"process_generating","output":{"data":[{"a":[1]}],"is_generating":true,"duration":0.00020956993103027344,"average_duration":0.00021853813758263222},"success":true}
{"msg":"process_generating","output":{"data":[{"a":[1],"b":{"c":"x"}}],"is_generating":true,"duration":0.0001068115234375,"average_duration":0.0002105576651436942},"success":true}
{"msg":"process_generating","output":{"data":[{"b":{}}],"is_generating":true,"duration":9.846687316894531e-05,"average_duration":0.00020308494567871093},"success":true}
{"msg":"process_generating","output":{"data":[{}],"is_generating":true,"duration":0.00010228157043457031,"average_duration":0.00019678473472595215},"success":true}
{"msg":"process_completed","output":{"data":[{}],"is_generating":true,"duration":0.00010228157043457031,"average_duration":0.00019678473472595215},"success":true}
{"closed": 1000}
