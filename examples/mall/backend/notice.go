package backend

import (
	"context"
	"fmt"
	"slices"

	noticev1 "facet/api/notice/v1"
)

type noticeService struct {
	noticev1.UnimplementedNoticeServiceServer
	store *store
}

func (s *noticeService) CountUnread(_ context.Context, request *noticev1.CountUnreadRequest) (*noticev1.CountUnreadResponse, error) {
	if err := required("user_id", request.UserId); err != nil {
		return nil, err
	}
	return &noticev1.CountUnreadResponse{Count: int32(len(s.unread(request.UserId)))}, nil
}

func (s *noticeService) ListNotices(_ context.Context, request *noticev1.ListNoticesRequest) (*noticev1.ListNoticesResponse, error) {
	if err := required("user_id", request.UserId); err != nil {
		return nil, err
	}
	notices := s.store.notices[request.UserId]
	if request.UnreadOnly {
		notices = s.unread(request.UserId)
	}
	scope := fmt.Sprintf("notices %q %t", request.UserId, request.UnreadOnly)
	page, next, err := paginate(notices, request, pageSizes{usual: 10, most: 50}, scope)
	if err != nil {
		return nil, err
	}
	return &noticev1.ListNoticesResponse{Notices: page, NextPageToken: next}, nil
}

// unread returns the notices a user has not read, newest first. Notices never change.
func (s *noticeService) unread(user string) []*noticev1.Notice {
	return slices.DeleteFunc(slices.Clone(s.store.notices[user]), func(n *noticev1.Notice) bool { return n.Read })
}
