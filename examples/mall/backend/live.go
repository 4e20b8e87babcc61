package backend

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	livev1 "facet/api/live/v1"
	productv1 "facet/api/product/v1"
)

// liveService plays the same show to every watcher of a room, from the beginning: what it streams is made up for the
// stream, and the catalog knows nothing of it.
type liveService struct {
	livev1.UnimplementedLiveServiceServer
	store    *store
	interval time.Duration
}

func (s *liveService) GetRoom(_ context.Context, request *livev1.GetRoomRequest) (*livev1.Room, error) {
	if err := required("id", request.Id); err != nil {
		return nil, err
	}
	return s.store.room(request.Id)
}

func (s *liveService) WatchStock(request *livev1.WatchStockRequest, stream grpc.ServerStreamingServer[livev1.StockChange]) error {
	products, err := s.shown(request.RoomId)
	if err != nil {
		return err
	}
	r := random('s', 0)
	left := make([]int32, len(products))
	for i, product := range products {
		left[i] = product.Stock
		if err := stream.Send(&livev1.StockChange{ProductId: product.Id, Stock: left[i]}); err != nil {
			return err
		}
	}
	return s.play(stream.Context(), func(int) error {
		i := r.IntN(len(products))
		left[i] = max(0, left[i]-1-r.Int32N(3))
		return stream.Send(&livev1.StockChange{ProductId: products[i].Id, Stock: left[i]})
	})
}

func (s *liveService) WatchPrice(request *livev1.WatchPriceRequest, stream grpc.ServerStreamingServer[livev1.PriceChange]) error {
	products, err := s.shown(request.RoomId)
	if err != nil {
		return err
	}
	for _, product := range products {
		if err := stream.Send(&livev1.PriceChange{ProductId: product.Id, Price: product.Price}); err != nil {
			return err
		}
	}
	return s.play(stream.Context(), func(n int) error {
		product, price := flashSale(products, n)
		return stream.Send(&livev1.PriceChange{ProductId: product.Id, Price: price})
	})
}

// flashSale returns the n-th change of a price: each product in turn is sold at 20 % less, and then no longer.
func flashSale(products []*productv1.Product, n int) (*productv1.Product, *productv1.Money) {
	product := products[n/2%len(products)]
	if n%2 == 1 {
		return product, product.Price
	}
	return product, yuan(product.Price.MinorUnits * 4 / 5)
}

func (s *liveService) WatchComments(request *livev1.WatchCommentsRequest, stream grpc.ServerStreamingServer[livev1.Comment]) error {
	if err := required("room_id", request.RoomId); err != nil {
		return err
	}
	room, err := s.store.room(request.RoomId)
	if err != nil {
		return err
	}
	r := random('c', 0)
	return s.play(stream.Context(), func(n int) error {
		return stream.Send(makeComment(r, room.Id, n))
	})
}

func makeComment(r *rand.Rand, room string, n int) *livev1.Comment {
	return &livev1.Comment{
		Id:         fmt.Sprintf("c-%s-%d", room, n+1),
		AuthorId:   userID(sellerCount + 1 + r.IntN(userCount-sellerCount)),
		Text:       pick(r, comments),
		CreateTime: timestamppb.New(today.Add(time.Duration(n) * time.Second)),
	}
}

// shown returns the products of a room, of which there is at least one.
func (s *liveService) shown(room string) ([]*productv1.Product, error) {
	if err := required("room_id", room); err != nil {
		return nil, err
	}
	of, err := s.store.room(room)
	if err != nil {
		return nil, err
	}
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	return found(s.store.products, of.ProductIds), nil
}

// play sends an event at each interval until the watcher leaves.
func (s *liveService) play(ctx context.Context, send func(n int) error) error {
	ticker := time.NewTicker(s.interval)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			if err := send(n); err != nil {
				return err
			}
		}
	}
}
