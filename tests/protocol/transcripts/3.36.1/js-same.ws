{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.03902261397417854,"avg_event_concurrent_process_time":0.002295447880834032,"rank_eta":0.03902261397417854,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":[{"a":[1]}],"is_generating":true,"duration":0.0002117156982421875,"average_duration":0.00014386051579525598},"success":true}
{"msg":"process_generating","output":{"data":[{"a":[1]}],"is_generating":true,"duration":9.799003601074219e-05,"average_duration":0.0001426843496469351},"success":true}
{"msg":"process_generating","output":{"data":[{"a":[1]}],"is_generating":true,"duration":9.608268737792969e-05,"average_duration":0.00014151930809020997},"success":true}
{"msg":"process_completed","output":{"data":[{"a":[1]}],"is_generating":true,"duration":9.608268737792969e-05,"average_duration":0.00014151930809020997},"success":true}
{"closed": 1000}
