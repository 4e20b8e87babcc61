package backend

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	orderv1 "facet/api/order/v1"
)

// maxQuantity is how many of one product an order may hold.
const maxQuantity = 999

type orderService struct {
	orderv1.UnimplementedOrderServiceServer
	store *store
}

func (s *orderService) ListOrders(_ context.Context, request *orderv1.ListOrdersRequest) (*orderv1.ListOrdersResponse, error) {
	if err := required("user_id", request.UserId); err != nil {
		return nil, err
	}
	s.store.mu.RLock()
	orders := found(s.store.orders, s.store.ordersOf[request.UserId])
	s.store.mu.RUnlock()
	slices.Reverse(orders)
	page, next, err := paginate(orders, request, pageSizes{usual: 10, most: 50}, "orders "+request.UserId)
	if err != nil {
		return nil, err
	}
	return &orderv1.ListOrdersResponse{Orders: page, NextPageToken: next}, nil
}

func (s *orderService) GetOrder(_ context.Context, request *orderv1.GetOrderRequest) (*orderv1.Order, error) {
	if err := required("id", request.Id); err != nil {
		return nil, err
	}
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	if order, ok := s.store.orders[request.Id]; ok {
		return order, nil
	}
	return nil, orderNotFound(request.Id)
}

func (s *orderService) CreateOrder(_ context.Context, request *orderv1.CreateOrderRequest) (*orderv1.Order, error) {
	if err := checkOrder(request); err != nil {
		return nil, err
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	key := requestKey{request.UserId, request.RequestId}
	if before, ok := s.store.placed[key]; ok && request.RequestId != "" {
		if !proto.Equal(before.request, request) {
			return nil, invalid("request_id", "%q was used for another order, %s", request.RequestId, before.orderID)
		}
		return s.store.orders[before.orderID], nil
	}
	order, err := s.place(request)
	if err != nil {
		return nil, err
	}
	s.store.placed[key] = placedOrder{request: request, orderID: order.Id}
	return order, nil
}

// place adds an order and takes its goods out of stock. The caller holds the lock.
func (s *orderService) place(request *orderv1.CreateOrderRequest) (*orderv1.Order, error) {
	buyer, ok := s.store.users[request.UserId]
	if !ok {
		return nil, userNotFound(request.UserId)
	}
	items, err := s.priced(request.Items)
	if err != nil {
		return nil, err
	}
	now := timestamppb.New(time.Now())
	order := &orderv1.Order{
		Id:         orderID(buyer.Id, len(s.store.ordersOf[buyer.Id])),
		UserId:     buyer.Id,
		ProductId:  items[0].ProductId,
		State:      orderv1.State_STATE_PENDING,
		Items:      items,
		Total:      totalOf(items),
		Address:    request.Address,
		Note:       request.Note,
		CreateTime: now,
	}
	if order.Address == nil {
		order.Address = buyer.Address
	}
	if request.Payment.GetMethod() != nil {
		order.State = orderv1.State_STATE_PAID
		order.Payment = &orderv1.Payment{Method: request.Payment.Method, PayTime: now}
	}
	s.store.take(items)
	s.store.addOrder(order)
	return order, nil
}

// priced returns the items with their prices, if all can be had. The caller holds the lock.
func (s *orderService) priced(items []*orderv1.Item) ([]*orderv1.Item, error) {
	wanted := map[string]int32{}
	var result []*orderv1.Item
	for _, item := range items {
		product, ok := s.store.products[item.ProductId]
		if !ok {
			return nil, productNotFound(item.ProductId)
		}
		if wanted[product.Id] += item.Quantity; wanted[product.Id] > product.Stock {
			return nil, failed(codes.FailedPrecondition, "OUT_OF_STOCK", "product_id", product.Id,
				fmt.Sprintf("%d of product %q are wanted, %d are left", wanted[product.Id], product.Id, product.Stock))
		}
		result = append(result, &orderv1.Item{ProductId: product.Id, Quantity: item.Quantity, UnitPrice: product.Price})
	}
	return result, nil
}

// checkOrder returns what is wrong with a request, whatever the mall holds.
func checkOrder(request *orderv1.CreateOrderRequest) error {
	if err := required("user_id", request.UserId); err != nil {
		return err
	}
	if len(request.Items) == 0 {
		return invalid("items", "is empty, an order has at least one item")
	}
	if err := atMost("items", request.Items, 50); err != nil {
		return err
	}
	for i, item := range request.Items {
		field := fmt.Sprintf("items[%d]", i)
		if err := required(field+".product_id", item.ProductId); err != nil {
			return err
		}
		if item.Quantity < 1 || item.Quantity > maxQuantity {
			return invalid(field+".quantity", "is %d, it must be 1 to %d", item.Quantity, maxQuantity)
		}
	}
	return nil
}
