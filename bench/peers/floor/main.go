// Command floor is the least that a gateway of this kind costs: the HTTP server that Facet has, grpc-go calls whose
// requests are constant and whose replies are thrown away, and a constant reply. Every call has a deadline, since no gateway
// does without. With -grpc it serves gRPC by grpc-go instead.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	noticev1 "facet/api/notice/v1"
	orderv1 "facet/api/order/v1"
	userv1 "facet/api/user/v1"
	benchv1 "facet/bench/api/bench/v1"
	"facet/bench/internal/peer"
	"facet/bench/internal/rawgrpc"
)

// timeout is the deadline of a request and so of its calls.
const timeout = 10 * time.Second

func main() {
	listen, services, asGRPC := peer.ListenFlag(), peer.ServiceFlags(), peer.GRPCFlag()
	size := flag.Int("size", 1024, "size of the reply, in `bytes`")
	count := flag.Int("calls", 1, "how many `calls` are made for a reply, all at once: 0 to 3")
	page := flag.Int("page", 0, "make the one call that of a page of so many `bytes`, instead of that of the orders")
	peer.Main(func(ctx context.Context) error {
		f, err := newFloor(services, *size, *count, *page)
		if err != nil {
			return err
		}
		if *asGRPC {
			return peer.ServeGRPC(ctx, *listen, f.grpcServer())
		}
		return peer.ServeHTTP(ctx, *listen, peer.NewHTTPServer(f))
	})
}

// floor answers every request alike.
type floor struct {
	calls  []call
	reply  []byte
	length []string // of the reply, as a header
}

// call is a constant call.
type call struct {
	conn    *grpc.ClientConn
	method  string
	request []byte
}

func newFloor(services *peer.Services, size, count, page int) (*floor, error) {
	wanted := []struct {
		address, method string
		request         proto.Message
	}{
		{services.Order, "/order.v1.OrderService/ListOrders", &orderv1.ListOrdersRequest{UserId: "42"}},
		{services.User, "/user.v1.UserService/GetUser", &userv1.GetUserRequest{Id: "42"}},
		{services.Notice, "/notice.v1.NoticeService/ListNotices", &noticev1.ListNoticesRequest{UserId: "42"}},
	}
	if count < 0 || count > len(wanted) {
		return nil, fmt.Errorf("-calls %d: want 0 to %d", count, len(wanted))
	}
	if size < 0 {
		return nil, fmt.Errorf("-size %d: want 0 or more", size)
	}
	if page > 0 {
		wanted[0].method, wanted[0].request = benchv1.Bench_GetPage_FullMethodName, &benchv1.GetPageRequest{Bytes: int32(page)}
	}
	f := &floor{reply: []byte(strings.Repeat("x", size)), length: []string{strconv.Itoa(size)}}
	for _, w := range wanted[:count] {
		conn, err := peer.Dial(w.address, grpc.WithDefaultCallOptions(grpc.ForceCodecV2(rawgrpc.Codec{})))
		if err != nil {
			return nil, err
		}
		request, err := proto.Marshal(w.request)
		if err != nil {
			return nil, err
		}
		f.calls = append(f.calls, call{conn, w.method, request})
	}
	return f, nil
}

// fetch makes the calls, the only one without a goroutine of its own.
func (f *floor) fetch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if len(f.calls) == 1 {
		return f.calls[0].make(ctx)
	}
	var group errgroup.Group
	for i := range f.calls {
		group.Go(func() error { return f.calls[i].make(ctx) })
	}
	return group.Wait()
}

func (c *call) make(ctx context.Context) error {
	return c.conn.Invoke(ctx, c.method, c.request, nil)
}

var jsonType = []string{"application/json"}

func (f *floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := f.fetch(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	header := w.Header()
	header["Content-Type"], header["Content-Length"] = jsonType, f.length
	_, _ = w.Write(f.reply) // it fails if the client has left
}

// grpcServer answers every method of the contract.
func (f *floor) grpcServer() *grpc.Server {
	server := grpc.NewServer(grpc.ForceServerCodecV2(rawgrpc.Codec{}))
	description := grpc.ServiceDesc{ServiceName: benchv1.Bench_ServiceDesc.ServiceName}
	for _, method := range benchv1.Bench_ServiceDesc.Methods {
		description.Methods = append(description.Methods, grpc.MethodDesc{
			MethodName: method.MethodName,
			Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				if err := decode(nil); err != nil {
					return nil, err
				}
				return f.reply, f.fetch(ctx)
			},
		})
	}
	server.RegisterService(&description, nil)
	return server
}
