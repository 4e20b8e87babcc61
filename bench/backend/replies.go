package main

import (
	"bytes"
	"encoding/json"
	"sort"
	"strconv"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	noticev1 "facet/api/notice/v1"
	orderv1 "facet/api/order/v1"
	productv1 "facet/api/product/v1"
	userv1 "facet/api/user/v1"
	benchv1 "facet/bench/api/bench/v1"
)

// userCount is how many users there are: "1" to "1000".
const userCount = 1000

// largestPage is how large a page may be, in bytes of JSON.
const largestPage = 2_000_000

// replies holds what the services answer, encoded.
type replies struct {
	users sync.Map // of *ofUser by id, encoded when it is asked for first
	// catalog is all products as the wire bytes of a Page, which are those of a BatchGetProductsResponse, too.
	// The n-th product, from 1 on, ends at ends[n]; with those before it is jsonEnds[n] bytes of JSON.
	catalog        []byte
	ends, jsonEnds []int
}

// ofUser is what is told of one user.
type ofUser struct {
	user, orders, notices             []byte // wire bytes
	userJSON, ordersJSON, noticesJSON []byte
}

// newReplies encodes the catalog, which is as long as the largest page.
func newReplies() (*replies, error) {
	r := &replies{ends: []int{0}, jsonEnds: []int{len(`{"products":[]}`)}}
	for n := 1; r.jsonEnds[n-1] < largestPage; n++ {
		product := makeProduct(n)
		wire, err := encode(&benchv1.Page{Products: []*productv1.Product{product}})
		if err != nil {
			return nil, err
		}
		text, err := encodeJSON(product)
		if err != nil {
			return nil, err
		}
		r.catalog = append(r.catalog, wire...)
		r.ends = append(r.ends, len(r.catalog))
		r.jsonEnds = append(r.jsonEnds, r.jsonEnds[n-1]+len(text)+len(","))
	}
	return r, nil
}

func (r *replies) user(request []byte) ([]byte, error) {
	var m userv1.GetUserRequest
	if err := proto.Unmarshal(request, &m); err != nil {
		return nil, err
	}
	u, err := r.of(m.Id)
	if err != nil {
		return nil, err
	}
	return u.user, nil
}

func (r *replies) orders(request []byte) ([]byte, error) {
	var m orderv1.ListOrdersRequest
	if err := proto.Unmarshal(request, &m); err != nil {
		return nil, err
	}
	u, err := r.of(m.UserId)
	if err != nil {
		return nil, err
	}
	return u.orders, nil
}

func (r *replies) notices(request []byte) ([]byte, error) {
	var m noticev1.ListNoticesRequest
	if err := proto.Unmarshal(request, &m); err != nil {
		return nil, err
	}
	u, err := r.of(m.UserId)
	if err != nil {
		return nil, err
	}
	return u.notices, nil
}

// products joins the encoded products that are asked for; those that do not exist are left out.
func (r *replies) products(request []byte) ([]byte, error) {
	var m productv1.BatchGetProductsRequest
	if err := proto.Unmarshal(request, &m); err != nil {
		return nil, err
	}
	var reply []byte
	for _, id := range m.Ids {
		if n, ok := productNumber(id); ok && n < len(r.ends) {
			reply = append(reply, r.catalog[r.ends[n-1]:r.ends[n]]...)
		}
	}
	return reply, nil
}

// page returns as many products as fit, and one at least.
func (r *replies) page(request []byte) ([]byte, error) {
	var m benchv1.GetPageRequest
	if err := proto.Unmarshal(request, &m); err != nil {
		return nil, err
	}
	if m.Bytes < 1 || m.Bytes > largestPage {
		return nil, status.Errorf(codes.InvalidArgument, "bytes: got %d, want 1 to %d", m.Bytes, largestPage)
	}
	n := max(1, sort.SearchInts(r.jsonEnds, int(m.Bytes)+1)-1)
	return r.catalog[:r.ends[n]], nil
}

// of returns what is told of a user.
func (r *replies) of(id string) (*ofUser, error) {
	if u, ok := r.users.Load(id); ok {
		return u.(*ofUser), nil
	}
	n, err := strconv.Atoi(id)
	if err != nil || n < 1 || n > userCount || strconv.Itoa(n) != id {
		return nil, status.Errorf(codes.NotFound, "no user %q: there are 1 to %d", id, userCount)
	}
	u, err := encodeUser(n)
	if err != nil {
		return nil, err
	}
	r.users.Store(id, u)
	return u, nil
}

func encodeUser(n int) (*ofUser, error) {
	u := new(ofUser)
	for _, reply := range []struct {
		message    proto.Message
		wire, json *[]byte
	}{
		{makeUser(n), &u.user, &u.userJSON},
		{&orderv1.ListOrdersResponse{Orders: makeOrders(n)}, &u.orders, &u.ordersJSON},
		{&noticev1.ListNoticesResponse{Notices: makeNotices(n)}, &u.notices, &u.noticesJSON},
	} {
		var err error
		if *reply.wire, err = encode(reply.message); err != nil {
			return nil, err
		}
		if *reply.json, err = encodeJSON(reply.message); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// encode returns the same wire bytes at each start.
func encode(m proto.Message) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}

// encodeJSON renders a message as a service on Kratos would, with its defaults, but without the spaces that protojson
// adds in some builds.
func encodeJSON(m proto.Message) ([]byte, error) {
	text, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return nil, err
	}
	return compact.Bytes(), nil
}
