package main

import (
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	noticev1 "facet/api/notice/v1"
	orderv1 "facet/api/order/v1"
	productv1 "facet/api/product/v1"
	userv1 "facet/api/user/v1"
	"facet/bench/internal/selection"
)

// mask is the paths that are wanted of a message. Without any the message is wanted whole.
type mask []string

func parseMask(text string) (mask, error) {
	paths, err := selection.Paths(text)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	return paths, nil
}

// field returns what is wanted of a field, and whether it is wanted at all.
func (m mask) field(name string) (of mask, wanted bool) {
	if len(m) == 0 {
		return nil, true
	}
	for _, path := range m {
		first, rest, nested := strings.Cut(path, ".")
		if first != name {
			continue
		}
		if !nested {
			return nil, true
		}
		of, wanted = append(of, rest), true
	}
	return of, wanted
}

// unknown says that there is no such field. Fields of the services' messages are trimmed one deep: the front end asks for
// no less than a whole address or price.
func unknown(message, field string) error {
	return status.Errorf(codes.InvalidArgument, "select: %s has no field %q that can be selected", message, field)
}

// trimAll trims each element of a list in place.
func trimAll[M any](all []*M, want mask, trim func(*M, mask) (*M, error)) ([]*M, error) {
	if len(want) == 0 {
		return all, nil
	}
	for i, m := range all {
		trimmed, err := trim(m, want)
		if err != nil {
			return nil, err
		}
		all[i] = trimmed
	}
	return all, nil
}

func trimUser(m *userv1.User, want mask) (*userv1.User, error) {
	if len(want) == 0 {
		return m, nil
	}
	t := new(userv1.User)
	for _, field := range want {
		switch field {
		case "id":
			t.Id = m.Id
		case "name":
			t.Name = m.Name
		case "avatar":
			t.Avatar = m.Avatar
		case "level":
			t.Level = m.Level
		case "bio":
			t.Bio = m.Bio
		case "address":
			t.Address = m.Address
		case "followers":
			t.Followers = m.Followers
		case "points":
			t.Points = m.Points
		case "email":
			t.Email = m.Email
		case "badges":
			t.Badges = m.Badges
		case "preferences":
			t.Preferences = m.Preferences
		case "create_time":
			t.CreateTime = m.CreateTime
		case "update_time":
			t.UpdateTime = m.UpdateTime
		default:
			return nil, unknown("a user", field)
		}
	}
	return t, nil
}

func trimOrder(m *orderv1.Order, want mask) (*orderv1.Order, error) {
	if len(want) == 0 {
		return m, nil
	}
	t := new(orderv1.Order)
	for _, field := range want {
		switch field {
		case "id":
			t.Id = m.Id
		case "user_id":
			t.UserId = m.UserId
		case "product_id":
			t.ProductId = m.ProductId
		case "state":
			t.State = m.State
		case "items":
			t.Items = m.Items
		case "total":
			t.Total = m.Total
		case "address":
			t.Address = m.Address
		case "payment":
			t.Payment = m.Payment
		case "tracking_number":
			t.TrackingNumber = m.TrackingNumber
		case "note":
			t.Note = m.Note
		case "create_time":
			t.CreateTime = m.CreateTime
		default:
			return nil, unknown("an order", field)
		}
	}
	return t, nil
}

func trimNotice(m *noticev1.Notice, want mask) (*noticev1.Notice, error) {
	if len(want) == 0 {
		return m, nil
	}
	t := new(noticev1.Notice)
	for _, field := range want {
		switch field {
		case "id":
			t.Id = m.Id
		case "user_id":
			t.UserId = m.UserId
		case "title":
			t.Title = m.Title
		case "order_id":
			if subject, ok := m.Subject.(*noticev1.Notice_OrderId); ok {
				t.Subject = subject
			}
		case "product_id":
			if subject, ok := m.Subject.(*noticev1.Notice_ProductId); ok {
				t.Subject = subject
			}
		case "room_id":
			if subject, ok := m.Subject.(*noticev1.Notice_RoomId); ok {
				t.Subject = subject
			}
		case "read":
			t.Read = m.Read
		case "create_time":
			t.CreateTime = m.CreateTime
		default:
			return nil, unknown("a notice", field)
		}
	}
	return t, nil
}

func trimProduct(m *productv1.Product, want mask) (*productv1.Product, error) {
	if len(want) == 0 {
		return m, nil
	}
	t := new(productv1.Product)
	for _, field := range want {
		switch field {
		case "id":
			t.Id = m.Id
		case "title":
			t.Title = m.Title
		case "cover":
			t.Cover = m.Cover
		case "category":
			t.Category = m.Category
		case "price":
			t.Price = m.Price
		case "list_price":
			t.ListPrice = m.ListPrice
		case "stock":
			t.Stock = m.Stock
		case "sold":
			t.Sold = m.Sold
		case "rating":
			t.Rating = m.Rating
		case "tags":
			t.Tags = m.Tags
		case "attributes":
			t.Attributes = m.Attributes
		case "seller_id":
			t.SellerId = m.SellerId
		case "related_ids":
			t.RelatedIds = m.RelatedIds
		case "room_id":
			t.RoomId = m.RoomId
		case "description":
			t.Description = m.Description
		case "create_time":
			t.CreateTime = m.CreateTime
		default:
			return nil, unknown("a product", field)
		}
	}
	return t, nil
}
