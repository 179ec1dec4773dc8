{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.044441024462381996,"avg_event_concurrent_process_time":0.0037034187051985,"rank_eta":0.044441024462381996,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":[[1,2,3,4]],"is_generating":true,"duration":0.0004837512969970703,"average_duration":0.000263214111328125},"success":true}
{"msg":"process_generating","output":{"data":[[1]],"is_generating":true,"duration":0.00011396408081054688,"average_duration":0.0002418926783970424},"success":true}
{"msg":"process_generating","output":{"data":[[1,2,3]],"is_generating":true,"duration":0.00011706352233886719,"average_duration":0.0002262890338897705},"success":true}
{"msg":"process_generating","output":{"data":[[0,2]],"is_generating":true,"duration":0.00022840499877929688,"average_duration":0.00022652414109971788},"success":true}
{"msg":"process_generating","output":{"data":[[]],"is_generating":true,"duration":0.00012183189392089844,"average_duration":0.00021605491638183595},"success":true}
{"msg":"process_completed","output":{"data":[[]],"is_generating":true,"duration":0.00012183189392089844,"average_duration":0.00021605491638183595},"success":true}
{"closed": 1000}
