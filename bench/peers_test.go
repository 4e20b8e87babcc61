package main_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mennanov/fmutils"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	noticev1 "facet/api/notice/v1"
	orderv1 "facet/api/order/v1"
	productv1 "facet/api/product/v1"
	userv1 "facet/api/user/v1"
	benchv1 "facet/bench/api/bench/v1"
	"facet/bench/internal/peer"
	"facet/bench/internal/rawgrpc"
	"facet/bench/internal/selection"
)

const (
	selectedScreen = "user(id,name,avatar),orders(id,state,product_id),notices(id,title)"
	selectedCards  = "cards(order(id,state),product(id,title,price))"
)

// TestPeers wants the peers to reply what follows from what the services say.
func TestPeers(t *testing.T) {
	bin := build(t)
	services, jsonAddress := startBackend(t, bin)
	flags := serviceFlags(services)
	overHTTP := map[string]string{"lura": start(t, bin, "lura", "-json", jsonAddress)}
	for _, name := range []string{"kratos", "handtuned", "grpcgateway", "vanguard"} {
		overHTTP[name] = start(t, bin, name, flags...)
	}
	overGRPC := map[string]string{}
	for _, name := range []string{"kratos", "handtuned"} {
		overGRPC[name] = start(t, bin, name, append(flags, "-grpc")...)
	}
	overHTTP["facet"], overGRPC["facet"] = startFacet(t, bin, services)

	want := fetchWanted(t, services)
	t.Run("HTTP", func(t *testing.T) { testHTTP(t, overHTTP, want) })
	t.Run("gRPC", func(t *testing.T) { testGRPC(t, overGRPC, want) })
	overWeb := map[string]string{"facet": overHTTP["facet"], "improbable": start(t, bin, "improbable", flags...)}
	t.Run("gRPC-Web", func(t *testing.T) { testWeb(t, overWeb, want) })
	for _, name := range []string{"facet", "handtuned"} {
		t.Run("streams/"+name, func(t *testing.T) { testStream(t, overHTTP[name]) })
	}
	t.Run("floor", func(t *testing.T) { testFloor(t, bin, flags) })
}

// testHTTP asks every peer for what it can do.
func testHTTP(t *testing.T, addresses map[string]string, want *wanted) {
	for _, test := range []struct {
		path  string
		want  proto.Message
		peers []string
	}{
		{"/v1/users/42/orders", want.orders, []string{"facet", "kratos", "handtuned", "lura", "grpcgateway", "vanguard"}},
		{"/v1/users/42/screen", want.screen, []string{"facet", "kratos", "handtuned", "lura"}},
		{"/v1/users/42/brief", want.brief, []string{"lura"}},
		{"/v1/users/42/screen?select=" + selectedScreen, trimmed(t, want.screen, selectedScreen), []string{"facet", "kratos", "handtuned"}},
		{"/v1/users/42/cards", want.cards, []string{"facet", "kratos", "handtuned"}},
		{"/v1/users/42/cards?select=" + selectedCards, trimmed(t, want.cards, selectedCards), []string{"facet", "kratos", "handtuned"}},
		{"/v1/pages/1000", want.smallPage, []string{"facet", "kratos", "handtuned", "grpcgateway", "vanguard"}},
		{"/v1/pages/1000000", want.largePage, []string{"facet", "kratos", "handtuned", "grpcgateway", "vanguard"}},
	} {
		for _, name := range test.peers {
			t.Run(name+test.path, func(t *testing.T) {
				body := get(t, "http://"+addresses[name]+test.path)
				got := test.want.ProtoReflect().New().Interface()
				if err := protojson.Unmarshal(body, got); err != nil {
					t.Fatalf("%v\n%s", err, body)
				}
				if diff := cmp.Diff(test.want, got, protocmp.Transform()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				_, selected, _ := strings.Cut(test.path, "?select=")
				checkFields(t, name, body, selected)
			})
		}
	}
}

// checkFields wants exactly the selected fields in a reply. Kratos' codec adds all others without their values: if it did
// not, the description of that peer would be wrong.
func checkFields(t *testing.T, peer string, body []byte, selected string) {
	t.Helper()
	if selected == "" {
		return
	}
	want, err := selection.Paths(selected)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, path := range fieldPaths(value) {
		found[strings.ReplaceAll(path, "productId", "product_id")] = true
	}
	got := slices.DeleteFunc(slices.Sorted(maps.Keys(found)), func(path string) bool {
		return strings.HasPrefix(path, "cards.product.price.") // the price is selected whole
	})
	slices.Sort(want)
	if exact := slices.Equal(got, want); exact == (peer == "kratos") {
		t.Errorf("got the fields %q, selected are %q", got, want)
	}
}

// fieldPaths returns the paths of a value's fields that are not objects or lists of them, and of those that are called price.
func fieldPaths(value any) []string {
	var paths []string
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			paths = append(paths, fieldPaths(element)...)
		}
	case map[string]any:
		for name, field := range value {
			nested := fieldPaths(field)
			if len(nested) == 0 || name == "price" {
				paths = append(paths, name)
			}
			for _, path := range nested {
				paths = append(paths, name+"."+path)
			}
		}
	}
	return paths
}

// testGRPC asks those that serve gRPC.
func testGRPC(t *testing.T, addresses map[string]string, want *wanted) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			client := benchv1.NewBenchClient(dial(t, address))
			for _, test := range []struct {
				want proto.Message
				call func() (proto.Message, error)
			}{
				{want.orders, func() (proto.Message, error) {
					return client.ListOrders(t.Context(), &orderv1.ListOrdersRequest{UserId: "42"})
				}},
				{want.screen, func() (proto.Message, error) {
					return client.GetScreen(t.Context(), &benchv1.GetScreenRequest{UserId: "42"})
				}},
				{trimmed(t, want.screen, selectedScreen), func() (proto.Message, error) {
					return client.GetScreen(t.Context(), &benchv1.GetScreenRequest{UserId: "42", Select: selectedScreen})
				}},
				{trimmed(t, want.cards, selectedCards), func() (proto.Message, error) {
					return client.GetOrderCards(t.Context(), &benchv1.GetOrderCardsRequest{UserId: "42", Select: selectedCards})
				}},
				{want.smallPage, func() (proto.Message, error) {
					return client.GetPage(t.Context(), &benchv1.GetPageRequest{Bytes: 1000})
				}},
			} {
				got, err := test.call()
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, got, protocmp.Transform()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

// testWeb asks those that serve gRPC-Web.
func testWeb(t *testing.T, addresses map[string]string, want *wanted) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			const call = "\x00\x00\x00\x00\x04\n\x0242"
			reply, err := http.Post("http://"+address+benchv1.Bench_ListOrders_FullMethodName, "application/grpc-web+proto", strings.NewReader(call))
			if err != nil {
				t.Fatal(err)
			}
			defer reply.Body.Close()
			body, err := io.ReadAll(reply.Body)
			if err != nil || len(body) < 5 {
				t.Fatalf("%s: %d bytes, %v", reply.Status, len(body), err)
			}
			length := binary.BigEndian.Uint32(body[1:])
			got := new(orderv1.ListOrdersResponse)
			if err := proto.Unmarshal(body[5:5+length], got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.orders, got, protocmp.Transform()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// testStream wants the events of both rooms, one after the other.
func testStream(t *testing.T, address string) {
	for room, count := range map[string]int{"r-1": 3, "quiet": 1} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/v1/rooms/"+room+"/events", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		reply, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		lines, last := bufio.NewScanner(reply.Body), int32(0)
		for range count {
			if !lines.Scan() {
				t.Fatalf("%s: the stream has ended: %v", reply.Status, lines.Err())
			}
			event := new(benchv1.RoomEvent)
			text := strings.TrimSuffix(strings.TrimPrefix(lines.Text(), `{"result":`), "}")
			if err := protojson.Unmarshal([]byte(text), event); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if last > 0 && event.Sequence != last+1 || event.Sequence == 0 || event.Text == "" || !event.CreateTime.IsValid() {
				t.Errorf("after event %d: %v", last, event)
			}
			last = event.Sequence
		}
	}
}

// testFloor wants replies of the size that is asked for, over both protocols.
func testFloor(t *testing.T, bin string, flags []string) {
	const size = 1900
	for _, calls := range []string{"0", "1", "3"} {
		address := start(t, bin, "floor", append(flags, "-size", strconv.Itoa(size), "-calls", calls)...)
		if body := get(t, "http://"+address+"/v1/users/42/screen"); len(body) != size {
			t.Errorf("%s calls: got %d bytes", calls, len(body))
		}
	}
	address := start(t, bin, "floor", append(flags, "-size", strconv.Itoa(size), "-page", "100000", "-grpc")...)
	var reply []byte
	err := dial(t, address).Invoke(t.Context(), benchv1.Bench_GetPage_FullMethodName, []byte(nil), &reply,
		grpc.ForceCodecV2(rawgrpc.Codec{}))
	if err != nil || len(reply) != size {
		t.Errorf("over gRPC: got %d bytes and %v", len(reply), err)
	}
}

// wanted is what the peers have to reply.
type wanted struct {
	orders               *orderv1.ListOrdersResponse
	screen, brief        *benchv1.Screen
	cards                *benchv1.OrderCards
	smallPage, largePage *benchv1.Page
}

// fetchWanted asks the services themselves, and puts together what they say.
func fetchWanted(t *testing.T, at peer.Services) *wanted {
	t.Helper()
	user, err := userv1.NewUserServiceClient(dial(t, at.User)).GetUser(t.Context(), &userv1.GetUserRequest{Id: "42"})
	if err != nil {
		t.Fatal(err)
	}
	orders, err := orderv1.NewOrderServiceClient(dial(t, at.Order)).ListOrders(t.Context(), &orderv1.ListOrdersRequest{UserId: "42"})
	if err != nil {
		t.Fatal(err)
	}
	notices, err := noticev1.NewNoticeServiceClient(dial(t, at.Notice)).ListNotices(t.Context(), &noticev1.ListNoticesRequest{UserId: "42"})
	if err != nil {
		t.Fatal(err)
	}
	w := &wanted{
		orders: orders,
		screen: &benchv1.Screen{User: user, Orders: orders.Orders, Notices: notices.Notices},
		cards:  &benchv1.OrderCards{},
	}
	w.brief = &benchv1.Screen{
		User: &userv1.User{Id: user.Id, Name: user.Name, Avatar: user.Avatar}, Orders: orders.Orders, Notices: notices.Notices,
	}
	products := productv1.NewProductServiceClient(dial(t, at.Product))
	for _, order := range orders.Orders {
		found, err := products.BatchGetProducts(t.Context(), &productv1.BatchGetProductsRequest{Ids: []string{order.ProductId}})
		if err != nil || len(found.Products) != 1 {
			t.Fatalf("product %s: got %v and %v", order.ProductId, found, err)
		}
		w.cards.Cards = append(w.cards.Cards, &benchv1.OrderCard{Order: order, Product: found.Products[0]})
	}
	w.smallPage, w.largePage = fetchPage(t, at.Order, 1000), fetchPage(t, at.Order, 1_000_000)
	return w
}

// fetchPage fetches a page, and wants it to be about as large as it was asked to be.
func fetchPage(t *testing.T, address string, size int32) *benchv1.Page {
	t.Helper()
	page, err := benchv1.NewBenchClient(dial(t, address)).GetPage(t.Context(), &benchv1.GetPageRequest{Bytes: size})
	if err != nil {
		t.Fatal(err)
	}
	text, err := protojson.Marshal(page)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) < int(size)/2 || len(text) > int(size)*11/10 {
		t.Errorf("a page of %d bytes has %d", size, len(text))
	}
	return page
}

// trimmed returns what a selection leaves of a reply.
func trimmed[M proto.Message](t *testing.T, reply M, selected string) M {
	t.Helper()
	paths, err := selection.Paths(selected)
	if err != nil {
		t.Fatal(err)
	}
	trimmed := proto.CloneOf(reply)
	fmutils.Filter(trimmed, paths)
	return trimmed
}
