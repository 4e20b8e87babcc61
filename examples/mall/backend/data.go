package backend

import (
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	livev1 "facet/api/live/v1"
	noticev1 "facet/api/notice/v1"
	orderv1 "facet/api/order/v1"
	productv1 "facet/api/product/v1"
	userv1 "facet/api/user/v1"
)

const (
	userCount    = 500
	sellerCount  = 20 // the first users
	productCount = 3000
	roomCount    = 12
	demoUser     = 42 // who is in the documentation
	// deliveryFee and freeDelivery are in fen: delivery costs 10 yuan, and nothing from 99 yuan on.
	deliveryFee, freeDelivery = 1000, 9900
)

// today is when the data was made: the same at every start.
var today = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// random returns a source of numbers that depends on nothing but what it is for.
func random(kind uint64, n int) *rand.Rand { return rand.New(rand.NewPCG(kind, uint64(n))) }

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// before returns a time in the n days before today.
func before(r *rand.Rand, days int) *timestamppb.Timestamp {
	return timestamppb.New(today.Add(-time.Duration(r.Int64N(int64(days)*24*60*60)) * time.Second))
}

func yuan(fen int64) *productv1.Money {
	return &productv1.Money{CurrencyCode: "CNY", MinorUnits: fen}
}

func makeUser(n int) *userv1.User {
	r := random('u', n)
	name := pick(r, familyNames).with(pick(r, givenNames)).String()
	if n == demoUser {
		name = "Lin Xiaoyu"
	}
	city := pick(r, cities)
	user := &userv1.User{
		Id:        userID(n),
		Name:      name,
		Avatar:    fmt.Sprintf("https://img.mall.example/avatars/%d.webp", n),
		Level:     userv1.Level(1 + r.IntN(4)),
		Bio:       pick(r, bios),
		Followers: r.Int64N(2000),
		Points:    r.Int64N(9000),
		Badges:    []string{"verified"},
		Address: &userv1.Address{
			Recipient:  name,
			Phone:      fmt.Sprintf("+86 138 %04d %04d", r.IntN(10000), r.IntN(10000)),
			RegionCode: "CN",
			Province:   city.province,
			City:       city.name,
			Lines:      []string{fmt.Sprintf("%s %d", pick(r, streets), 1+r.IntN(400)), fmt.Sprintf("Floor %d, Room %d", 1+r.IntN(30), 1+r.IntN(12))},
			PostalCode: city.postalCode,
		},
		Preferences: map[string]string{"language": pick(r, []string{"zh-CN", "en"}), "currency": "CNY"},
		CreateTime:  before(r, 2000),
		UpdateTime:  timestamppb.New(today),
	}
	if n <= sellerCount {
		user.Name = shops[n-1]
		user.Bio = "Open since " + fmt.Sprint(2008+n%15) + ". Sent within 24 hours."
		user.Badges = append(user.Badges, "seller")
		user.Followers += 20000
	}
	if n%3 == 0 {
		user.Email = proto.String(fmt.Sprintf("user%d@mail.example", n))
	}
	return user
}

func makeProduct(n int) *productv1.Product {
	r := random('p', n)
	category := productv1.Category(1 + n%6)
	ware := pick(r, wares[category])
	style := pick(r, styles)
	product := &productv1.Product{
		Id:          productID(n),
		Title:       style + " " + ware.title,
		Cover:       fmt.Sprintf("https://img.mall.example/products/%s.webp", productID(n)),
		Category:    category,
		Price:       yuan(ware.price + 100*r.Int64N(1+ware.price/200)),
		Stock:       5 + int32(r.IntN(300)),
		Sold:        r.Int64N(20000),
		Rating:      float64(35+r.IntN(16)) / 10,
		Tags:        []string{ware.tag, pick(r, tags)},
		Attributes:  map[string]string{"origin": pick(r, cities).name, "material": ware.material, "weight": fmt.Sprintf("%d g", 50+50*r.IntN(30))},
		SellerId:    userID(1 + r.IntN(sellerCount)),
		RelatedIds:  relatedProducts(r, n),
		Description: fmt.Sprintf("%s. %s", pick(r, praises), pick(r, services)),
		CreateTime:  before(r, 700),
	}
	if n%4 == 0 {
		product.ListPrice = yuan(product.Price.MinorUnits * 5 / 4)
	}
	if room, ok := roomOf(n); ok {
		product.RoomId = proto.String(roomID(room))
	}
	return product
}

// relatedProducts returns one product that is in a room and three of the same category.
func relatedProducts(r *rand.Rand, n int) []string {
	shown := (n/roomEvery)*roomEvery + roomOffset
	if shown == n {
		shown = (n + roomEvery) % productCount
	}
	ids := []string{productID(shown)}
	for range 3 {
		ids = append(ids, productID((n+6*(1+r.IntN(400)))%productCount))
	}
	return ids
}

// Every fiftieth product is in a room: roomOffset, roomOffset+roomEvery, ...
const roomEvery, roomOffset = 50, 7

// roomOf returns the room in which a product is shown.
func roomOf(product int) (room int, ok bool) {
	if product%roomEvery != roomOffset {
		return 0, false
	}
	return 1 + (product/roomEvery)%roomCount, true
}

func makeRoom(n int) *livev1.Room {
	r := random('r', n)
	room := &livev1.Room{
		Id:        roomID(n),
		Title:     pick(r, roomTitles),
		HostId:    userID(1 + r.IntN(sellerCount)),
		Status:    livev1.Status_STATUS_ON_AIR,
		Viewers:   int32(100 + r.IntN(9000)),
		StartTime: timestamppb.New(today.Add(-time.Duration(r.IntN(90)) * time.Minute)),
	}
	for product := roomOffset + (n-1)*roomEvery; product < productCount; product += roomCount * roomEvery {
		room.ProductIds = append(room.ProductIds, productID(product))
	}
	return room
}

func makeReviews(product int) []*productv1.Review {
	r := random('v', product)
	count := r.IntN(15)
	reviews := make([]*productv1.Review, 0, count)
	written := today
	for n := range count {
		written = written.Add(-time.Duration(1+r.IntN(200)) * time.Hour)
		review := &productv1.Review{
			Id:         fmt.Sprintf("v-%d-%d", 1001+product, count-n),
			ProductId:  productID(product),
			AuthorId:   userID(sellerCount + 1 + r.IntN(userCount-sellerCount)),
			Rating:     int32(3 + r.IntN(3)),
			Text:       pick(r, reviewTexts),
			Likes:      int32(r.IntN(80)),
			CreateTime: timestamppb.New(written),
		}
		if r.IntN(3) == 0 {
			review.Pictures = []string{fmt.Sprintf("https://img.mall.example/reviews/%s.webp", review.Id)}
		}
		reviews = append(reviews, review)
	}
	return reviews
}

// orderCount returns how many orders a user has at the start.
func orderCount(user int) int {
	if user == demoUser {
		return 23
	}
	return user % 8
}

// makeOrder returns the n-th order of a user; the last ones are the newest, and not yet delivered.
func (s *store) makeOrder(user, n int) *orderv1.Order {
	r := random('o', user*100+n)
	age := orderCount(user) - n
	created := today.Add(-time.Duration(age*53+r.IntN(48)) * time.Hour)
	buyer := s.users[userID(user)]
	order := &orderv1.Order{
		Id:         orderID(buyer.Id, n),
		UserId:     buyer.Id,
		State:      orderState(age),
		Address:    buyer.Address,
		CreateTime: timestamppb.New(created),
	}
	for range 1 + r.IntN(2) {
		product := s.products[productID(r.IntN(productCount))]
		order.Items = append(order.Items, &orderv1.Item{
			ProductId: product.Id, Quantity: int32(1 + r.IntN(3)), UnitPrice: product.Price,
		})
	}
	order.ProductId = order.Items[0].ProductId
	order.Total = totalOf(order.Items)
	if order.State != orderv1.State_STATE_PENDING {
		order.Payment = makePayment(r, created.Add(time.Minute))
	}
	if order.State >= orderv1.State_STATE_SHIPPED {
		order.TrackingNumber = proto.String(fmt.Sprintf("SF%012d", r.Int64N(1e12)))
	}
	if r.IntN(3) == 0 {
		order.Note = pick(r, notes)
	}
	return order
}

func orderState(age int) orderv1.State {
	switch {
	case age <= 1:
		return orderv1.State_STATE_PENDING
	case age <= 2:
		return orderv1.State_STATE_PAID
	case age <= 4:
		return orderv1.State_STATE_SHIPPED
	default:
		return orderv1.State_STATE_DELIVERED
	}
}

func makePayment(r *rand.Rand, paid time.Time) *orderv1.Payment {
	payment := &orderv1.Payment{PayTime: timestamppb.New(paid)}
	switch r.IntN(3) {
	case 0:
		payment.Method = &orderv1.Payment_Card{Card: &orderv1.Card{Brand: "UnionPay", LastFourDigits: fmt.Sprintf("%04d", r.IntN(10000))}}
	case 1:
		payment.Method = &orderv1.Payment_Wallet{Wallet: &orderv1.Wallet{Provider: pick(r, []string{"alipay", "wechat"}), Account: fmt.Sprintf("138****%04d", r.IntN(10000))}}
	default:
		payment.Method = &orderv1.Payment_Points{Points: 100 * r.Int64N(90)}
	}
	return payment
}

// totalOf returns the sum of items, delivery included.
func totalOf(items []*orderv1.Item) *productv1.Money {
	var sum int64
	for _, item := range items {
		sum += item.UnitPrice.MinorUnits * int64(item.Quantity)
	}
	if sum < freeDelivery {
		sum += deliveryFee
	}
	return yuan(sum)
}

func makeNotices(user int) []*noticev1.Notice {
	r := random('n', user)
	var notices []*noticev1.Notice
	sent := today
	for n := range 3 + user%10 {
		sent = sent.Add(-time.Duration(1+r.IntN(40)) * time.Hour)
		notice := &noticev1.Notice{
			Id:         fmt.Sprintf("n-%d-%d", user, n+1),
			UserId:     userID(user),
			Read:       n > 2+user%3,
			CreateTime: timestamppb.New(sent),
		}
		switch {
		case n%3 == 0 && orderCount(user) > 0:
			notice.Title = "Your order is on its way"
			notice.Subject = &noticev1.Notice_OrderId{OrderId: orderID(userID(user), orderCount(user)-1)}
		case n%3 == 1:
			notice.Title = "On sale: something you looked at"
			notice.Subject = &noticev1.Notice_ProductId{ProductId: productID(r.IntN(productCount))}
		default:
			notice.Title = "A room you follow is on air"
			notice.Subject = &noticev1.Notice_RoomId{RoomId: roomID(1 + r.IntN(roomCount))}
		}
		notices = append(notices, notice)
	}
	return notices
}
