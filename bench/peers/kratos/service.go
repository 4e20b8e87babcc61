package main

import (
	"context"

	"github.com/go-kratos/kratos/v2/errors"
	"github.com/mennanov/fmutils"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	noticev1 "facet/api/notice/v1"
	orderv1 "facet/api/order/v1"
	productv1 "facet/api/product/v1"
	userv1 "facet/api/user/v1"
	benchv1 "facet/bench/api/bench/v1"
	"facet/bench/internal/peer"
	"facet/bench/internal/selection"
)

// benchService implements benchv1.BenchServer and benchv1.BenchHTTPServer.
type benchService struct {
	benchv1.UnimplementedBenchServer
	users    userv1.UserServiceClient
	orders   orderv1.OrderServiceClient
	products productv1.ProductServiceClient
	notices  noticev1.NoticeServiceClient
	pages    benchv1.BenchClient
}

func newService(ctx context.Context, at *peer.Services) (*benchService, error) {
	user, err := dial(ctx, at.User)
	if err != nil {
		return nil, err
	}
	order, err := dial(ctx, at.Order)
	if err != nil {
		return nil, err
	}
	product, err := dial(ctx, at.Product)
	if err != nil {
		return nil, err
	}
	notice, err := dial(ctx, at.Notice)
	if err != nil {
		return nil, err
	}
	return &benchService{
		users:    userv1.NewUserServiceClient(user),
		orders:   orderv1.NewOrderServiceClient(order),
		products: productv1.NewProductServiceClient(product),
		notices:  noticev1.NewNoticeServiceClient(notice),
		pages:    benchv1.NewBenchClient(order),
	}, nil
}

func (s *benchService) ListOrders(ctx context.Context, req *orderv1.ListOrdersRequest) (*orderv1.ListOrdersResponse, error) {
	return s.orders.ListOrders(ctx, req)
}

func (s *benchService) GetScreen(ctx context.Context, req *benchv1.GetScreenRequest) (*benchv1.Screen, error) {
	screen := new(benchv1.Screen)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		screen.User, err = s.users.GetUser(ctx, &userv1.GetUserRequest{Id: req.UserId})
		return err
	})
	group.Go(func() error {
		reply, err := s.orders.ListOrders(ctx, &orderv1.ListOrdersRequest{UserId: req.UserId})
		screen.Orders = reply.GetOrders()
		return err
	})
	group.Go(func() error {
		reply, err := s.notices.ListNotices(ctx, &noticev1.ListNoticesRequest{UserId: req.UserId})
		screen.Notices = reply.GetNotices()
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return screen, trim(screen, req.Select)
}

func (s *benchService) GetOrderCards(ctx context.Context, req *benchv1.GetOrderCardsRequest) (*benchv1.OrderCards, error) {
	orders, err := s.orders.ListOrders(ctx, &orderv1.ListOrdersRequest{UserId: req.UserId})
	if err != nil {
		return nil, err
	}
	found, err := s.products.BatchGetProducts(ctx, &productv1.BatchGetProductsRequest{Ids: productIDs(orders.Orders)})
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*productv1.Product, len(found.Products))
	for _, product := range found.Products {
		byID[product.Id] = product
	}
	cards := &benchv1.OrderCards{Cards: make([]*benchv1.OrderCard, 0, len(orders.Orders))}
	for _, order := range orders.Orders {
		cards.Cards = append(cards.Cards, &benchv1.OrderCard{Order: order, Product: byID[order.ProductId]})
	}
	return cards, trim(cards, req.Select)
}

// productIDs returns the products of the orders, each once.
func productIDs(orders []*orderv1.Order) []string {
	ids := make([]string, 0, len(orders))
	seen := make(map[string]bool, len(orders))
	for _, order := range orders {
		if !seen[order.ProductId] {
			seen[order.ProductId] = true
			ids = append(ids, order.ProductId)
		}
	}
	return ids
}

func (s *benchService) GetPage(ctx context.Context, req *benchv1.GetPageRequest) (*benchv1.Page, error) {
	page, err := s.pages.GetPage(ctx, &benchv1.GetPageRequest{Bytes: req.Bytes})
	if err != nil {
		return nil, err
	}
	return page, trim(page, req.Select)
}

// trim clears the fields of a reply that are not selected.
func trim(reply proto.Message, selected string) error {
	if selected == "" {
		return nil
	}
	paths, err := selection.Paths(selected)
	if err != nil {
		return errors.BadRequest("INVALID_SELECTION", err.Error())
	}
	fmutils.Filter(reply, paths)
	return nil
}
