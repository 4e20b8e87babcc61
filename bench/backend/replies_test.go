package main

import (
	"bytes"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	productv1 "facet/api/product/v1"
	userv1 "facet/api/user/v1"
	benchv1 "facet/bench/api/bench/v1"
)

func load(t *testing.T) *replies {
	t.Helper()
	r, err := newReplies()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ask answers a request as the service does, and decodes the reply.
func ask(t *testing.T, answer func([]byte) ([]byte, error), request, reply proto.Message) error {
	t.Helper()
	wire, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	wire, err = answer(wire)
	if err != nil {
		return err
	}
	return proto.Unmarshal(wire, reply)
}

// Figures of different runs are compared, so the replies must not differ between two starts.
func TestRepliesAreTheSameAtEachStart(t *testing.T) {
	a, b := load(t), load(t)
	if !bytes.Equal(a.catalog, b.catalog) {
		t.Error("the catalogs differ")
	}
	for _, id := range []string{"1", "42", "1000"} {
		ofA, errA := a.of(id)
		ofB, errB := b.of(id)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if !bytes.Equal(ofA.user, ofB.user) || !bytes.Equal(ofA.orders, ofB.orders) || !bytes.Equal(ofA.notices, ofB.notices) {
			t.Errorf("the replies for user %s differ", id)
		}
	}
}

// The sizes are what the benchmark promises.
func TestSizes(t *testing.T) {
	u, err := load(t).of("42")
	if err != nil {
		t.Fatal(err)
	}
	orders, all := len(u.ordersJSON), len(u.userJSON)+len(u.ordersJSON)+len(u.noticesJSON)
	if orders < 6500 || orders > 7500 {
		t.Errorf("the orders are %d bytes of JSON, want about 7 KB", orders)
	}
	if all < 11_000 || all > 12_500 {
		t.Errorf("everything is %d bytes of JSON, want about 11.5 KB", all)
	}
}

func TestUnknownUser(t *testing.T) {
	r := load(t)
	for _, id := range []string{"", "0", "042", "1001", "-1", "you"} {
		err := ask(t, r.user, &userv1.GetUserRequest{Id: id}, new(userv1.User))
		if status.Code(err) != codes.NotFound {
			t.Errorf("user %q: got %v, want NOT_FOUND", id, err)
		}
	}
}

func TestPageFits(t *testing.T) {
	r := load(t)
	for _, size := range []int32{1, 1000, 10_000, 123_456, largestPage} {
		page := new(benchv1.Page)
		if err := ask(t, r.page, &benchv1.GetPageRequest{Bytes: size}, page); err != nil {
			t.Fatal(err)
		}
		text, err := encodeJSON(page)
		if err != nil {
			t.Fatal(err)
		}
		// A product is less than 1000 bytes.
		if len(page.Products) != 1 && (len(text) > int(size) || len(text) < int(size)-1000) {
			t.Errorf("a page of %d bytes has %d", size, len(text))
		}
	}
	for _, size := range []int32{-1, 0, largestPage + 1} {
		err := ask(t, r.page, &benchv1.GetPageRequest{Bytes: size}, new(benchv1.Page))
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("a page of %d bytes: got %v, want INVALID_ARGUMENT", size, err)
		}
	}
}

func TestProductsThatDoNotExistAreLeftOut(t *testing.T) {
	reply := new(productv1.BatchGetProductsResponse)
	request := &productv1.BatchGetProductsRequest{Ids: []string{"p-7", "p-0", "p-99999999", "7", "p-07", "p-3"}}
	if err := ask(t, load(t).products, request, reply); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, product := range reply.Products {
		ids = append(ids, product.Id)
	}
	if want := []string{"p-7", "p-3"}; !slices.Equal(ids, want) {
		t.Errorf("got %q, want %q", ids, want)
	}
}
