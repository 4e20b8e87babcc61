package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	noticev1 "facet/api/notice/v1"
	orderv1 "facet/api/order/v1"
	productv1 "facet/api/product/v1"
	userv1 "facet/api/user/v1"
	benchv1 "facet/bench/api/bench/v1"
)

// The data is the same at every start, and changes with no other part of the project: figures of different versions
// can be compared. How many orders and notices there are, and how long texts are, makes the sizes that the
// benchmark is about: 7 KB of orders, 11.5 KB in all.
const (
	orderCount  = 10
	noticeCount = 22
	// soldCount is how many products the orders are of.
	soldCount = 300
)

// today is when the data was made.
var today = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

var (
	names    = []string{"林晓 Lin Xiao", "陈静怡 Chen Jingyi", "王浩然 Wang Haoran", "张子涵 Zhang Zihan", "李思远 Li Siyuan"}
	cities   = []string{"Hangzhou", "Suzhou", "Chengdu", "Xiamen", "Kunming"}
	goods    = []string{"西湖龙井 Longjing Green Tea", "青瓷茶杯 Celadon Cup", "亚麻桌布 Linen Tablecloth", "蓝牙耳机 Wireless Earbuds", "羊毛围巾 Wool Scarf"}
	notes    = []string{"Please ring twice: the bell is quiet.", "放在门口就好，谢谢。", "A gift. Please leave the invoice out, and wrap it in paper."}
	subjects = []string{"Your order is on its way", "On sale: \"something you liked\"", "A room you follow is on air"}
)

// random returns a source of numbers that depends on nothing but what it is for.
func random(kind uint64, n int) *rand.Rand { return rand.New(rand.NewPCG(kind, uint64(n))) }

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

func yuan(fen int64) *productv1.Money { return &productv1.Money{CurrencyCode: "CNY", MinorUnits: fen} }

// before returns a time some days before today, to the second or to the microsecond, as real ones are.
func before(r *rand.Rand, days int) *timestamppb.Timestamp {
	t := today.Add(-time.Duration(r.Int64N(int64(days)*86400)) * time.Second)
	if r.IntN(2) == 0 {
		t = t.Add(time.Duration(r.IntN(1e6)) * time.Microsecond)
	}
	return timestamppb.New(t)
}

func makeAddress(r *rand.Rand) *userv1.Address {
	return &userv1.Address{
		Recipient:  pick(r, names),
		Phone:      fmt.Sprintf("+86 138 %04d %04d", r.IntN(1e4), r.IntN(1e4)),
		RegionCode: "CN",
		Province:   "Zhejiang",
		City:       pick(r, cities),
		Lines: []string{
			fmt.Sprintf("Wensan Road %d", 1+r.IntN(400)),
			fmt.Sprintf("Building %d, by the west gate", 1+r.IntN(20)),
			fmt.Sprintf("Floor %d, Room %d", 1+r.IntN(30), 1+r.IntN(12)),
		},
		PostalCode: fmt.Sprint(310000 + r.IntN(1000)),
	}
}

func makeUser(n int) *userv1.User {
	r := random('u', n)
	return &userv1.User{
		Id:        strconv.Itoa(n),
		Name:      pick(r, names),
		Avatar:    fmt.Sprintf("https://img.mall.example/avatars/%d.webp", n),
		Level:     userv1.Level_LEVEL_GOLD,
		Bio:       strings.Repeat("Tea in the morning, books at night. 喜欢骑行、摄影和旧书店。", 4),
		Address:   makeAddress(r),
		Followers: r.Int64N(20000),
		Points:    r.Int64N(9000),
		Email:     proto.String(fmt.Sprintf("user%d@mail.example", n)),
		Badges:    []string{"verified", "early-bird"},
		Preferences: map[string]string{
			"language": "zh-CN", "currency": "CNY", "theme": "dark", "timezone": "Asia/Shanghai",
			"newsletter": "weekly", "start-page": "/rooms/on-air", "text-size": "large", "sort": "latest",
			"delivery": "weekdays after 18:00", "invoice": "by mail", "reviews": "with pictures", "contrast": "high",
			"interests": "tea, ceramics, books, cycling", "hidden-shops": "s-1042, s-3311, s-5870", "video": "only on wifi",
			"notify-orders": "push and mail", "notify-rooms": "push", "notify-sales": "never", "keyboard": "pinyin",
			"gift-wrapping": "paper, no ribbon", "payment": "wallet first, then card", "units": "metric", "receipts": "digital",
		},
		CreateTime: before(r, 2000),
		UpdateTime: timestamppb.New(today),
	}
}

func makeItem(r *rand.Rand) *orderv1.Item {
	return &orderv1.Item{ProductId: productID(1 + r.IntN(soldCount)), Quantity: int32(1 + r.IntN(3)), UnitPrice: yuan(4900 + r.Int64N(20000))}
}

func makeOrders(user int) []*orderv1.Order {
	orders := make([]*orderv1.Order, 0, orderCount)
	for n := orderCount; n > 0; n-- {
		r := random('o', user*100+n)
		item, other := makeItem(r), makeItem(r)
		order := &orderv1.Order{
			Id:         fmt.Sprintf("o-%d-%d", user, n),
			UserId:     strconv.Itoa(user),
			ProductId:  item.ProductId,
			State:      orderv1.State(1 + r.IntN(4)),
			Items:      []*orderv1.Item{item, other},
			Total:      yuan(item.UnitPrice.MinorUnits*int64(item.Quantity) + other.UnitPrice.MinorUnits*int64(other.Quantity)),
			Address:    makeAddress(r),
			CreateTime: before(r, 200),
		}
		if order.State > orderv1.State_STATE_PENDING {
			order.Payment = &orderv1.Payment{
				Method:  &orderv1.Payment_Card{Card: &orderv1.Card{Brand: "UnionPay", LastFourDigits: fmt.Sprintf("%04d", r.IntN(1e4))}},
				PayTime: before(r, 200),
			}
		}
		if order.State >= orderv1.State_STATE_SHIPPED {
			order.TrackingNumber = proto.String(fmt.Sprintf("SF%012d", r.Int64N(1e12)))
		}
		if n%2 == 0 {
			order.Note = pick(r, notes)
		}
		orders = append(orders, order)
	}
	return orders
}

func makeNotices(user int) []*noticev1.Notice {
	notices := make([]*noticev1.Notice, 0, noticeCount)
	for n := range noticeCount {
		r := random('n', user*100+n)
		notice := &noticev1.Notice{
			Id:         fmt.Sprintf("n-%d-%d", user, noticeCount-n),
			UserId:     strconv.Itoa(user),
			Title:      subjects[n%len(subjects)],
			Read:       n > 3,
			CreateTime: timestamppb.New(today.Add(-time.Duration(n*11) * time.Hour)),
		}
		switch n % len(subjects) {
		case 0:
			notice.Subject = &noticev1.Notice_OrderId{OrderId: fmt.Sprintf("o-%d-%d", user, 1+r.IntN(orderCount))}
		case 1:
			notice.Subject = &noticev1.Notice_ProductId{ProductId: productID(1 + r.IntN(soldCount))}
		default:
			notice.Subject = &noticev1.Notice_RoomId{RoomId: fmt.Sprintf("r-%d", 1+r.IntN(12))}
		}
		notices = append(notices, notice)
	}
	return notices
}

// makeEvent returns an event of a room, of about 200 bytes.
func makeEvent(sequence int32) *benchv1.RoomEvent {
	r := random('e', int(sequence))
	return &benchv1.RoomEvent{
		Sequence:   sequence,
		RoomId:     "r-1",
		AuthorId:   strconv.Itoa(1 + r.IntN(1000)),
		AuthorName: pick(r, names),
		Text: "Is the cup on the left still there? 左边的杯子还有吗？ The one with the thin rim, in " +
			pick(r, []string{"celadon", "ash gray", "sky blue"}) + ", for two, and does it come in a box? 能包装吗？",
		CreateTime: timestamppb.New(today.Add(time.Duration(sequence) * pace)),
	}
}

const description = "Made by hand in a small workshop by the lake, one at a time, from what grows within a day's walk.\n" +
	"No two are alike: the grain, the color and the weight differ a little from what the picture shows.\n" +
	"手工制作，每一件都略有不同；七天无理由退换，二十四小时内发货。\n" +
	"Sent in a box without plastic. Wash with cold water, dry in the shade, and keep away from \"low heat\" settings."

func productID(n int) string { return fmt.Sprintf("p-%d", n) }

// productNumber undoes productID.
func productNumber(id string) (n int, ok bool) {
	digits, _ := strings.CutPrefix(id, "p-")
	n, err := strconv.Atoi(digits)
	return n, err == nil && n > 0 && productID(n) == id
}

func makeProduct(n int) *productv1.Product {
	r := random('p', n)
	return &productv1.Product{
		Id:          productID(n),
		Title:       pick(r, goods),
		Cover:       fmt.Sprintf("https://img.mall.example/products/p-%d.webp", n),
		Category:    productv1.Category(1 + n%6),
		Price:       yuan(4900 + r.Int64N(20000)),
		Stock:       int32(r.IntN(300)),
		Sold:        r.Int64N(20000),
		Rating:      float64(35+r.IntN(16)) / 10,
		Tags:        []string{"new", pick(r, cities)},
		Attributes:  map[string]string{"origin": pick(r, cities), "material": "linen", "weight": fmt.Sprintf("%d g", 50+50*r.IntN(30))},
		SellerId:    strconv.Itoa(1 + r.IntN(20)),
		RelatedIds:  []string{productID(1 + r.IntN(soldCount)), productID(1 + r.IntN(soldCount))},
		Description: description,
		CreateTime:  before(r, 700),
	}
}
