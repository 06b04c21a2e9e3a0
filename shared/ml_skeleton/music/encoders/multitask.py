"""An encoder that keeps the heads it was trained with."""

from torch import Tensor, nn

from ml_skeleton.music.encoders.protocol import AudioEncoder
from ml_skeleton.music.losses.heads import AlbumHead, RatingHead


class MultiTaskEncoder(nn.Module):
    """Any encoder with a rating head and an album head, which the loss trains and the checkpoint keeps.

    Its embedding is that of the encoder within.
    """

    def __init__(self, encoder: AudioEncoder, albums: int) -> None:
        super().__init__()
        assert isinstance(encoder, nn.Module)
        self.encoder = encoder
        self.rating_head = RatingHead(encoder.get_embedding_dim())
        self.album_head = AlbumHead(encoder.get_embedding_dim(), albums)

    @property
    def heads(self) -> tuple[RatingHead, AlbumHead]:
        """The heads, for losses.build_loss."""
        return self.rating_head, self.album_head

    def forward(self, audio: Tensor) -> Tensor:
        """Return embeddings (B, D)."""
        embeddings: Tensor = self.encoder(audio)
        return embeddings

    def predict(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Return ratings (B,), 0 to 1, and the share of each album of the training songs (B, A)."""
        embeddings = self.encoder(audio)
        return self.rating_head(embeddings), self.album_head(embeddings).softmax(dim=1)

    def get_embedding_dim(self) -> int:
        return self.rating_head.linear.in_features
