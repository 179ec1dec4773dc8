{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.03462514877319336,"avg_event_concurrent_process_time":0.006925029754638672,"rank_eta":0.03462514877319336,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"log","log":"before","level":"info"}
{"msg":"log","log":"first","level":"info"}
{"msg":"log","log":"second","level":"warning"}
{"msg":"log","log":"third","level":"info"}
{"msg":"log","log":"after","level":"info"}
{"msg":"process_completed","output":{"data":["logged"],"is_generating":false,"duration":0.20085883140563965,"average_duration":0.20085883140563965},"success":true}
{"closed": 1000}
