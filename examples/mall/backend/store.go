package backend

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	livev1 "facet/api/live/v1"
	noticev1 "facet/api/notice/v1"
	orderv1 "facet/api/order/v1"
	productv1 "facet/api/product/v1"
	userv1 "facet/api/user/v1"
)

// store holds what the mall knows. Its messages are never changed, only replaced, so that they may be sent without a
// lock.
type store struct {
	mu         sync.RWMutex
	users      map[string]*userv1.User
	products   map[string]*productv1.Product
	bestseller []string                       // ids of products, most sold first
	reviews    map[string][]*productv1.Review // by product, newest first
	orders     map[string]*orderv1.Order
	ordersOf   map[string][]string // by user, ids of orders, oldest first
	placed     map[requestKey]placedOrder
	notices    map[string][]*noticev1.Notice // by user, newest first
	rooms      map[string]*livev1.Room
}

// requestKey identifies a request to place an order.
type requestKey struct{ userID, requestID string }

// placedOrder is what such a request led to.
type placedOrder struct {
	request *orderv1.CreateOrderRequest
	orderID string
}

func newStore() *store {
	s := &store{
		users:    map[string]*userv1.User{},
		products: map[string]*productv1.Product{},
		reviews:  map[string][]*productv1.Review{},
		orders:   map[string]*orderv1.Order{},
		ordersOf: map[string][]string{},
		placed:   map[requestKey]placedOrder{},
		notices:  map[string][]*noticev1.Notice{},
		rooms:    map[string]*livev1.Room{},
	}
	for n := range userCount {
		user := makeUser(n + 1)
		s.users[user.Id] = user
	}
	for n := range productCount {
		product := makeProduct(n)
		s.products[product.Id] = product
		s.reviews[product.Id] = makeReviews(n)
		s.bestseller = append(s.bestseller, product.Id)
	}
	slices.SortStableFunc(s.bestseller, func(a, b string) int {
		return cmp.Compare(s.products[b].Sold, s.products[a].Sold)
	})
	for n := range roomCount {
		room := makeRoom(n + 1)
		s.rooms[room.Id] = room
	}
	for n := range userCount {
		s.addHistory(n + 1)
	}
	return s
}

// addHistory gives a user their orders and notices.
func (s *store) addHistory(user int) {
	for n := range orderCount(user) {
		s.addOrder(s.makeOrder(user, n))
	}
	s.notices[userID(user)] = makeNotices(user)
}

// addOrder appends to the orders of a user. The caller holds the lock, or is alone.
func (s *store) addOrder(order *orderv1.Order) {
	s.orders[order.Id] = order
	s.ordersOf[order.UserId] = append(s.ordersOf[order.UserId], order.Id)
}

func (s *store) user(id string) (*userv1.User, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if user, ok := s.users[id]; ok {
		return user, nil
	}
	return nil, userNotFound(id)
}

func (s *store) product(id string) (*productv1.Product, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if product, ok := s.products[id]; ok {
		return product, nil
	}
	return nil, productNotFound(id)
}

// room returns a room. Rooms never change.
func (s *store) room(id string) (*livev1.Room, error) {
	if room, ok := s.rooms[id]; ok {
		return room, nil
	}
	return nil, roomNotFound(id)
}

// found returns the values of those keys that there are, in the order of the keys. The caller holds the lock.
func found[T any](values map[string]T, keys []string) []T {
	result := make([]T, 0, len(keys))
	for _, key := range keys {
		if value, ok := values[key]; ok {
			result = append(result, value)
		}
	}
	return result
}

// editUser replaces a user by what edit makes of a copy.
func (s *store) editUser(id string, edit func(*userv1.User)) (*userv1.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	user, ok := s.users[id]
	if !ok {
		return nil, userNotFound(id)
	}
	user = proto.CloneOf(user)
	edit(user)
	s.users[id] = user
	return user, nil
}

// take takes products out of stock. The caller holds the lock and has checked that there are enough.
func (s *store) take(items []*orderv1.Item) {
	for _, item := range items {
		product := proto.CloneOf(s.products[item.ProductId])
		product.Stock -= item.Quantity
		product.Sold += int64(item.Quantity)
		s.products[product.Id] = product
	}
}

func userID(n int) string    { return fmt.Sprint(n) }
func productID(n int) string { return fmt.Sprintf("p-%d", 1001+n) }
func roomID(n int) string    { return fmt.Sprintf("r-%d", n) }

func orderID(user string, n int) string { return fmt.Sprintf("o-%s-%d", user, n+1) }
