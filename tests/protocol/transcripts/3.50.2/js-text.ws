{"msg":"send_hash"}
{"msg":"estimation","rank":0,"queue_size":1,"avg_event_process_time":0.036066261927286784,"avg_event_concurrent_process_time":0.002404417461819119,"rank_eta":0.036066261927286784,"queue_eta":0.0}
{"msg":"send_data"}
{"msg":"process_starts"}
{"msg":"process_generating","output":{"data":[{"t":"a"}],"is_generating":true,"duration":0.00035953521728515625,"average_duration":0.00019791851872983187},"success":true}
{"msg":"process_generating","output":{"data":[{"t":"ab"}],"is_generating":true,"duration":0.00011110305786132812,"average_duration":0.00019430120786031088},"success":true}
{"msg":"process_generating","output":{"data":[{"t":"ab"}],"is_generating":true,"duration":0.0001316070556640625,"average_duration":0.00019179344177246095},"success":true}
{"msg":"process_generating","output":{"data":[{"t":"abcé😀"}],"is_generating":true,"duration":0.0001308917999267578,"average_duration":0.0001894510709322416},"success":true}
{"msg":"process_generating","output":{"data":[{"t":"b"}],"is_generating":true,"duration":0.00011873245239257812,"average_duration":0.00018683186283818},"success":true}
{"msg":"process_completed","output":{"data":[{"t":"b"}],"is_generating":true,"duration":0.00011873245239257812,"average_duration":0.00018683186283818},"success":true}
{"closed": 1000}
