{"msg":"send_hash"}
{"msg":"queue_full"}
{"closed": 1000}
