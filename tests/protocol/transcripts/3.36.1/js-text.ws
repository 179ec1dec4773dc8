{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.042134396235148114,"avg_event_concurrent_process_time":0.0028089597490098743,"rank_eta":0.042134396235148114,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":[{"t":"a"}],"is_generating":true,"duration":0.00025391578674316406,"average_duration":0.00015589465265688688},"success":true}
{"msg":"process_generating","output":{"data":[{"t":"ab"}],"is_generating":true,"duration":0.00012135505676269531,"average_duration":0.00015445550282796225},"success":true}
{"msg":"process_generating","output":{"data":[{"t":"ab"}],"is_generating":true,"duration":0.00012445449829101562,"average_duration":0.00015325546264648436},"success":true}
{"msg":"process_generating","output":{"data":[{"t":"abcé😀"}],"is_generating":true,"duration":0.00010633468627929688,"average_duration":0.00015145081740159256},"success":true}
{"msg":"process_generating","output":{"data":[{"t":"b"}],"is_generating":true,"duration":0.00011587142944335938,"average_duration":0.00015013306229202835},"success":true}
{"msg":"process_completed","output":{"data":[{"t":"b"}],"is_generating":true,"duration":0.00011587142944335938,"average_duration":0.00015013306229202835},"success":true}
{"closed": 1000}
