{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.038484743663242886,"avg_event_concurrent_process_time":0.0027489102616602063,"rank_eta":0.038484743663242886,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":[{"rows":[{"cells":[1,2,3]},{"cells":[4,5,6]},{"cells":[7]}]}],"is_generating":true,"duration":0.0004227161407470703,"average_duration":0.00020493401421440972},"success":true}
{"msg":"process_generating","output":{"data":[{"rows":[{"cells":[1]},{"cells":[4,0]}]}],"is_generating":true,"duration":0.00011205673217773438,"average_duration":0.00020004573621247945},"success":true}
{"msg":"process_generating","output":{"data":[{"rows":[{"cells":[]},{"cells":[4,0,9,9]},{"cells":["new"]}]}],"is_generating":true,"duration":0.00010657310485839844,"average_duration":0.0001953721046447754},"success":true}
{"msg":"process_generating","output":{"data":[{"rows":[]}],"is_generating":true,"duration":0.00012040138244628906,"average_duration":0.00019180207025437128},"success":true}
{"msg":"process_completed","output":{"data":[{"rows":[]}],"is_generating":true,"duration":0.00012040138244628906,"average_duration":0.00019180207025437128},"success":true}
{"closed": 1000}
