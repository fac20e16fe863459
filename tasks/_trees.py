"""Where the search looks for boosted trees, unless a task says otherwise."""

from __future__ import annotations

from lifecycle.space import Choice, Float, Int, Search

TREES = Search(
    spaces={
        "xgboost": {
            "learning_rate": Float(0.02, 0.3, log=True),
            "max_depth": Int(2, 8),
            "min_child_weight": Float(1.0, 50.0, log=True),
            "subsample": Float(0.5, 1.0),
            "colsample_bytree": Float(0.4, 1.0),
            "reg_alpha": Float(1e-3, 10.0, log=True),
            "reg_lambda": Float(1e-2, 30.0, log=True),
        },
        "lightgbm": {
            "learning_rate": Float(0.02, 0.3, log=True),
            "num_leaves": Int(4, 96, log=True),
            "min_data_in_leaf": Int(5, 200, log=True),
            "feature_fraction": Float(0.4, 1.0),
            "bagging_fraction": Float(0.5, 1.0),
            "bagging_freq": Choice((1,)),
            "lambda_l1": Float(1e-3, 10.0, log=True),
            "lambda_l2": Float(1e-2, 30.0, log=True),
        },
    }
)
