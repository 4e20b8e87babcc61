package main

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	noticev1 "facet/api/notice/v1"
	orderv1 "facet/api/order/v1"
	productv1 "facet/api/product/v1"
	userv1 "facet/api/user/v1"
	benchv1 "facet/bench/api/bench/v1"
	"facet/bench/internal/peer"
)

// timeout is the deadline of a request and so of its calls.
const timeout = 2 * time.Second

// bff implements benchv1.BenchServer, and the handlers of HTTP call it, too.
type bff struct {
	benchv1.UnimplementedBenchServer
	users    userv1.UserServiceClient
	orders   orderv1.OrderServiceClient
	products productv1.ProductServiceClient
	notices  noticev1.NoticeServiceClient
	pages    benchv1.BenchClient
}

func newBFF(at *peer.Services) (*bff, error) {
	user, err := peer.Dial(at.User)
	if err != nil {
		return nil, err
	}
	order, err := peer.Dial(at.Order)
	if err != nil {
		return nil, err
	}
	product, err := peer.Dial(at.Product)
	if err != nil {
		return nil, err
	}
	notice, err := peer.Dial(at.Notice)
	if err != nil {
		return nil, err
	}
	return &bff{
		users:    userv1.NewUserServiceClient(user),
		orders:   orderv1.NewOrderServiceClient(order),
		products: productv1.NewProductServiceClient(product),
		notices:  noticev1.NewNoticeServiceClient(notice),
		pages:    benchv1.NewBenchClient(order),
	}, nil
}

func (b *bff) ListOrders(ctx context.Context, req *orderv1.ListOrdersRequest) (*orderv1.ListOrdersResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return b.orders.ListOrders(ctx, req)
}

func (b *bff) GetScreen(ctx context.Context, req *benchv1.GetScreenRequest) (*benchv1.Screen, error) {
	want, err := parseMask(req.Select)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	screen := new(benchv1.Screen)
	group, ctx := errgroup.WithContext(ctx)
	if fields, ok := want.field("user"); ok {
		group.Go(func() error {
			user, err := b.users.GetUser(ctx, &userv1.GetUserRequest{Id: req.UserId})
			if err == nil {
				screen.User, err = trimUser(user, fields)
			}
			return err
		})
	}
	if fields, ok := want.field("orders"); ok {
		group.Go(func() error {
			reply, err := b.orders.ListOrders(ctx, &orderv1.ListOrdersRequest{UserId: req.UserId})
			if err == nil {
				screen.Orders, err = trimAll(reply.Orders, fields, trimOrder)
			}
			return err
		})
	}
	if fields, ok := want.field("notices"); ok {
		group.Go(func() error {
			reply, err := b.notices.ListNotices(ctx, &noticev1.ListNoticesRequest{UserId: req.UserId})
			if err == nil {
				screen.Notices, err = trimAll(reply.Notices, fields, trimNotice)
			}
			return err
		})
	}
	return screen, group.Wait()
}

func (b *bff) GetOrderCards(ctx context.Context, req *benchv1.GetOrderCardsRequest) (*benchv1.OrderCards, error) {
	want, err := parseMask(req.Select)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	orders, err := b.orders.ListOrders(ctx, &orderv1.ListOrdersRequest{UserId: req.UserId})
	if err != nil {
		return nil, err
	}
	card, _ := want.field("cards")
	var products map[string]*productv1.Product
	if fields, ok := card.field("product"); ok {
		if products, err = b.productsOf(ctx, orders.Orders, fields); err != nil {
			return nil, err
		}
	}
	fields, withOrder := card.field("order")
	cards := make([]*benchv1.OrderCard, len(orders.Orders))
	for i, order := range orders.Orders {
		cards[i] = &benchv1.OrderCard{Product: products[order.ProductId]}
		if !withOrder {
			continue
		}
		if cards[i].Order, err = trimOrder(order, fields); err != nil {
			return nil, err
		}
	}
	return &benchv1.OrderCards{Cards: cards}, nil
}

// productsOf returns the products of the orders by id, trimmed.
func (b *bff) productsOf(ctx context.Context, orders []*orderv1.Order, fields mask) (map[string]*productv1.Product, error) {
	products := make(map[string]*productv1.Product, len(orders))
	ids := make([]string, 0, len(orders))
	for _, order := range orders {
		if _, asked := products[order.ProductId]; !asked {
			products[order.ProductId] = nil
			ids = append(ids, order.ProductId)
		}
	}
	reply, err := b.products.BatchGetProducts(ctx, &productv1.BatchGetProductsRequest{Ids: ids})
	if err != nil {
		return nil, err
	}
	for _, product := range reply.Products {
		if products[product.Id], err = trimProduct(product, fields); err != nil {
			return nil, err
		}
	}
	return products, nil
}

func (b *bff) GetPage(ctx context.Context, req *benchv1.GetPageRequest) (*benchv1.Page, error) {
	want, err := parseMask(req.Select)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	page, err := b.pages.GetPage(ctx, &benchv1.GetPageRequest{Bytes: req.Bytes})
	if err != nil {
		return nil, err
	}
	fields, _ := want.field("products")
	page.Products, err = trimAll(page.Products, fields, trimProduct)
	return page, err
}
