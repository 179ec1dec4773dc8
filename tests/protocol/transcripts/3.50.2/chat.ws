{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.0019010305404663086,"avg_event_concurrent_process_time":0.0009505152702331543,"rank_eta":0.0019010305404663086,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":["",[["hello there","you"]]],"is_generating":true,"duration":0.0006558895111083984,"average_duration":0.0006558895111083984},"success":true}
{"msg":"process_generating","output":{"data":["",[["hello there","you said:"]]],"is_generating":true,"duration":0.010313749313354492,"average_duration":0.005484819412231445},"success":true}
{"msg":"process_generating","output":{"data":["",[["hello there","you said: hello"]]],"is_generating":true,"duration":0.01035308837890625,"average_duration":0.00710757573445638},"success":true}
{"msg":"process_generating","output":{"data":["",[["hello there","you said: hello there"]]],"is_generating":true,"duration":0.01076650619506836,"average_duration":0.008022308349609375},"success":true}
{"msg":"process_completed","output":{"data":["",[["hello there","you said: hello there"]]],"is_generating":true,"duration":0.01076650619506836,"average_duration":0.008022308349609375},"success":true}
{"closed": 1000}
