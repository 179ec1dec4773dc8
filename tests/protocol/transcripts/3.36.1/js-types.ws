{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.04031600058078766,"avg_event_concurrent_process_time":0.0025197500362992287,"rank_eta":0.04031600058078766,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":[[]],"is_generating":true,"duration":0.00019407272338867188,"average_duration":0.00015160133098733835},"success":true}
{"msg":"process_generating","output":{"data":[{}],"is_generating":true,"duration":9.846687316894531e-05,"average_duration":0.00014983018239339191},"success":true}
{"msg":"process_generating","output":{"data":["text"],"is_generating":true,"duration":9.369850158691406e-05,"average_duration":0.0001480194830125378},"success":true}
{"msg":"process_generating","output":{"data":[1.5],"is_generating":true,"duration":9.512901306152344e-05,"average_duration":0.0001463666558265686},"success":true}
{"msg":"process_generating","output":{"data":[null],"is_generating":true,"duration":9.393692016601562e-05,"average_duration":0.000144777875958067},"success":true}
{"msg":"process_generating","output":{"data":[[null]],"is_generating":true,"duration":9.679794311523438e-05,"average_duration":0.00014336670146268958},"success":true}
{"msg":"process_generating","output":{"data":[{"":null}],"is_generating":true,"duration":0.00018715858459472656,"average_duration":0.0001446178981236049},"success":true}
{"msg":"process_generating","output":{"data":[false],"is_generating":true,"duration":9.870529174804688e-05,"average_duration":0.00014334254794650606},"success":true}
{"msg":"process_completed","output":{"data":[false],"is_generating":true,"duration":9.870529174804688e-05,"average_duration":0.00014334254794650606},"success":true}
{"closed": 1000}
