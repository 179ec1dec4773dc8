{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.016356150309244793,"avg_event_concurrent_process_time":0.005452050103081598,"rank_eta":0.016356150309244793,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":["word 0"],"is_generating":true,"duration":0.00048422813415527344,"average_duration":0.00048422813415527344},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1"],"is_generating":true,"duration":0.010295629501342773,"average_duration":0.0053899288177490234},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1 word 2"],"is_generating":true,"duration":0.010326385498046875,"average_duration":0.007035414377848308},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1 word 2 word 3"],"is_generating":true,"duration":0.010325908660888672,"average_duration":0.007858037948608398},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1 word 2 word 3 word 4"],"is_generating":true,"duration":0.010451555252075195,"average_duration":0.008376741409301757},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1 word 2 word 3 word 4 word 5"],"is_generating":true,"duration":0.010528564453125,"average_duration":0.008735378583272299},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1 word 2 word 3 word 4 word 5 word 6"],"is_generating":true,"duration":0.01052713394165039,"average_duration":0.008991343634469169},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1 word 2 word 3 word 4 word 5 word 6 word 7"],"is_generating":true,"duration":0.010489940643310547,"average_duration":0.00917866826057434},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1 word 2 word 3 word 4 word 5 word 6 word 7 word 8"],"is_generating":true,"duration":0.010540962219238281,"average_duration":0.009330034255981445},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1 word 2 word 3 word 4 word 5 word 6 word 7 word 8 word 9"],"is_generating":true,"duration":0.01041412353515625,"average_duration":0.009438443183898925},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1 word 2 word 3 word 4 word 5 word 6 word 7 word 8 word 9 word 10"],"is_generating":true,"duration":0.01032567024230957,"average_duration":0.009519100189208984},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1 word 2 word 3 word 4 word 5 word 6 word 7 word 8 word 9 word 10 word 11"],"is_generating":true,"duration":0.010343551635742188,"average_duration":0.009587804476420084},"success":true}
{"msg":"process_completed","output":{"data":["word 0 word 1 word 2 word 3 word 4 word 5 word 6 word 7 word 8 word 9 word 10 word 11"],"is_generating":true,"duration":0.010343551635742188,"average_duration":0.009587804476420084},"success":true}
{"closed": 1000}
