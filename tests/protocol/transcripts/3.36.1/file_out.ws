{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.05248779058456421,"avg_event_concurrent_process_time":0.013121947646141052,"rank_eta":0.05248779058456421,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_completed","output":{"data":[{"orig_name":"out.txt","name":"/srv/gradio/0123abcd/out.txt","size":12,"data":null,"is_file":true}],"is_generating":false,"duration":0.00040841102600097656,"average_duration":0.00040841102600097656},"success":true}
{"closed": 1000}
