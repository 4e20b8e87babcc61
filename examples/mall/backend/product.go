package backend

import (
	"context"
	"fmt"
	"slices"
	"strings"

	productv1 "facet/api/product/v1"
)

type productService struct {
	productv1.UnimplementedProductServiceServer
	store *store
}

func (s *productService) GetProduct(_ context.Context, request *productv1.GetProductRequest) (*productv1.Product, error) {
	if err := required("id", request.Id); err != nil {
		return nil, err
	}
	product, err := s.store.product(request.Id)
	if err != nil {
		return nil, err
	}
	return prune(product, request.ReadMask)
}

func (s *productService) BatchGetProducts(_ context.Context, request *productv1.BatchGetProductsRequest) (*productv1.BatchGetProductsResponse, error) {
	if err := atMost("ids", request.Ids, 100); err != nil {
		return nil, err
	}
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	return prune(&productv1.BatchGetProductsResponse{Products: found(s.store.products, request.Ids)}, request.ReadMask)
}

func (s *productService) SearchProducts(_ context.Context, request *productv1.SearchProductsRequest) (*productv1.SearchProductsResponse, error) {
	if err := checkRange(request.Filter.GetPrice()); err != nil {
		return nil, err
	}
	matching := s.search(request)
	page, next, err := paginate(matching, request, pageSizes{usual: 20, most: 100}, searchScope(request))
	if err != nil {
		return nil, err
	}
	return prune(&productv1.SearchProductsResponse{
		Products: page, NextPageToken: next, TotalSize: int32(len(matching)),
	}, request.ReadMask)
}

func (s *productService) ListReviews(_ context.Context, request *productv1.ListReviewsRequest) (*productv1.ListReviewsResponse, error) {
	if err := required("product_id", request.ProductId); err != nil {
		return nil, err
	}
	if _, err := s.store.product(request.ProductId); err != nil {
		return nil, err
	}
	reviews := s.store.reviews[request.ProductId]
	page, next, err := paginate(reviews, request, pageSizes{usual: 10, most: 50}, "reviews "+request.ProductId)
	if err != nil {
		return nil, err
	}
	return &productv1.ListReviewsResponse{Reviews: page, NextPageToken: next, TotalSize: int32(len(reviews))}, nil
}

// search returns all products that match, best selling first.
func (s *productService) search(request *productv1.SearchProductsRequest) []*productv1.Product {
	words := strings.Fields(strings.ToLower(request.Query))
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	var matching []*productv1.Product
	for _, id := range s.store.bestseller {
		if product := s.store.products[id]; meets(product, request.Filter) && mentions(product, words) {
			matching = append(matching, product)
		}
	}
	return matching
}

// meets tells whether a product meets every condition of a filter, which may be nil.
func meets(product *productv1.Product, filter *productv1.ProductFilter) bool {
	price := product.Price.MinorUnits
	limits := filter.GetPrice()
	switch {
	case filter.GetCategory() != productv1.Category_CATEGORY_UNSPECIFIED && product.Category != filter.GetCategory(),
		limits != nil && limits.Min != nil && price < limits.GetMin(),
		limits != nil && limits.Max != nil && price > limits.GetMax(),
		filter.GetInStock() && product.Stock <= 0:
		return false
	}
	return !slices.ContainsFunc(filter.GetTags(), func(tag string) bool { return !slices.Contains(product.Tags, tag) })
}

// mentions tells whether every word, in lower case, is in the title or the tags of a product.
func mentions(product *productv1.Product, words []string) bool {
	if len(words) == 0 {
		return true
	}
	text := strings.ToLower(product.Title + " " + strings.Join(product.Tags, " "))
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
}

func checkRange(price *productv1.PriceRange) error {
	if price != nil && price.Min != nil && price.Max != nil && price.GetMin() > price.GetMax() {
		return invalid("filter.price", "min %d is above max %d", price.GetMin(), price.GetMax())
	}
	return nil
}

// searchScope tells searches apart whose pages do not fit together.
func searchScope(request *productv1.SearchProductsRequest) string {
	filter := request.Filter
	limit := func(value *int64) string {
		if value == nil {
			return "-"
		}
		return fmt.Sprint(*value)
	}
	var lowest, highest *int64
	if price := filter.GetPrice(); price != nil {
		lowest, highest = price.Min, price.Max
	}
	return fmt.Sprintf("search %q %d %s %s %q %t", request.Query, filter.GetCategory(), limit(lowest), limit(highest), filter.GetTags(), filter.GetInStock())
}
