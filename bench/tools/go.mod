// The generators of the benchmarks' code that the product does not use.
module facet/bench/tools

go 1.26.0

tool (
	github.com/go-kratos/kratos/cmd/protoc-gen-go-http/v2
	github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-grpc-gateway
)

require (
	github.com/go-kratos/kratos/cmd/protoc-gen-go-http/v2 v2.0.0-20260404020628-f149714c1d54 // indirect
	github.com/grpc-ecosystem/grpc-gateway/v2 v2.33.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/text v0.43.0 // indirect
	google.golang.org/genproto/googleapis/api v0.0.0-20261104224025-d1e00e9f33ab // indirect
	google.golang.org/grpc v1.84.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)
