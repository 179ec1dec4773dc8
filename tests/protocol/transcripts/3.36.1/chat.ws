{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.005412101745605469,"avg_event_concurrent_process_time":0.0027060508728027344,"rank_eta":0.005412101745605469,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":["",[["hello there","you"]]],"is_generating":true,"duration":0.00024366378784179688,"average_duration":0.00024366378784179688},"success":true}
{"msg":"process_generating","output":{"data":["",[["hello there","you said:"]]],"is_generating":true,"duration":0.010267257690429688,"average_duration":0.005255460739135742},"success":true}
{"msg":"process_generating","output":{"data":["",[["hello there","you said: hello"]]],"is_generating":true,"duration":0.010233402252197266,"average_duration":0.006914774576822917},"success":true}
{"msg":"process_generating","output":{"data":["",[["hello there","you said: hello there"]]],"is_generating":true,"duration":0.010249853134155273,"average_duration":0.007748544216156006},"success":true}
{"msg":"process_completed","output":{"data":["",[["hello there","you said: hello there"]]],"is_generating":true,"duration":0.010249853134155273,"average_duration":0.007748544216156006},"success":true}
{"closed": 1000}
