{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.02138217290242513,"avg_event_concurrent_process_time":0.007127390967475043,"rank_eta":0.02138217290242513,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":["word 0"],"is_generating":true,"duration":0.00023293495178222656,"average_duration":0.00023293495178222656},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1"],"is_generating":true,"duration":0.010357141494750977,"average_duration":0.0052950382232666016},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1 word 2"],"is_generating":true,"duration":0.010227441787719727,"average_duration":0.0069391727447509766},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1 word 2 word 3"],"is_generating":true,"duration":0.010228157043457031,"average_duration":0.00776141881942749},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1 word 2 word 3 word 4"],"is_generating":true,"duration":0.010265111923217773,"average_duration":0.008262157440185547},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1 word 2 word 3 word 4 word 5"],"is_generating":true,"duration":0.010324716567993164,"average_duration":0.00860591729482015},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1 word 2 word 3 word 4 word 5 word 6"],"is_generating":true,"duration":0.01028132438659668,"average_duration":0.008845261165073939},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1 word 2 word 3 word 4 word 5 word 6 word 7"],"is_generating":true,"duration":0.010255575180053711,"average_duration":0.009021550416946411},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1 word 2 word 3 word 4 word 5 word 6 word 7 word 8"],"is_generating":true,"duration":0.01023244857788086,"average_duration":0.009156094657050239},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1 word 2 word 3 word 4 word 5 word 6 word 7 word 8 word 9"],"is_generating":true,"duration":0.010376453399658203,"average_duration":0.009278130531311036},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1 word 2 word 3 word 4 word 5 word 6 word 7 word 8 word 9 word 10"],"is_generating":true,"duration":0.010925531387329102,"average_duration":0.009427894245494495},"success":true}
{"msg":"process_generating","output":{"data":["word 0 word 1 word 2 word 3 word 4 word 5 word 6 word 7 word 8 word 9 word 10 word 11"],"is_generating":true,"duration":0.010247468948364258,"average_duration":0.009496192137400309},"success":true}
{"msg":"process_completed","output":{"data":["word 0 word 1 word 2 word 3 word 4 word 5 word 6 word 7 word 8 word 9 word 10 word 11"],"is_generating":true,"duration":0.010247468948364258,"average_duration":0.009496192137400309},"success":true}
{"closed": 1000}
