# syntax=docker/dockerfile:1
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -tags grpcnotrace -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /facet ./cmd/facet

FROM gcr.io/distroless/static:nonroot
COPY --from=build /facet /facet
# Mount the bootstrap file and the documents at /etc/facet.
EXPOSE 8000 9000
ENTRYPOINT ["/facet"]
CMD ["serve", "-conf", "/etc/facet"]
