{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.04432175840650286,"avg_event_concurrent_process_time":0.003165839886178776,"rank_eta":0.04432175840650286,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":[{"rows":[{"cells":[1,2,3]},{"cells":[4,5,6]},{"cells":[7]}]}],"is_generating":true,"duration":0.00025582313537597656,"average_duration":0.0001571443345811632},"success":true}
{"msg":"process_generating","output":{"data":[{"rows":[{"cells":[1]},{"cells":[4,0]}]}],"is_generating":true,"duration":0.00012135505676269531,"average_duration":0.0001552606883801912},"success":true}
{"msg":"process_generating","output":{"data":[{"rows":[{"cells":[]},{"cells":[4,0,9,9]},{"cells":["new"]}]}],"is_generating":true,"duration":0.00011992454528808594,"average_duration":0.00015349388122558593},"success":true}
{"msg":"process_generating","output":{"data":[{"rows":[]}],"is_generating":true,"duration":0.00012159347534179688,"average_duration":0.00015197481427873884},"success":true}
{"msg":"process_completed","output":{"data":[{"rows":[]}],"is_generating":true,"duration":0.00012159347534179688,"average_duration":0.00015197481427873884},"success":true}
{"closed": 1000}
